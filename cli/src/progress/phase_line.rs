//! The phase: its name, a bar, and what is left of it.

use highwater_loadgen::coordinator::{Progress, Stage};

use super::styled_line::{Line, columns};
use crate::{
    paint::Tone,
    quantity::{clock, count, length},
};

/// Columns that a bar has at least; a line without room for it has none.
const SHORTEST_BAR: usize = 8;

/// `steady ━━━━━━━━──────── 01:29 left of 02:00`, `width` columns wide.
pub(crate) fn phase_line(progress: &Progress, width: usize) -> Line {
    let name = format!("{:<8} ", phase_name(&progress.stage));
    let left = left(progress);
    let line = Line::of(Tone::Strong, &name);
    let Some(done) = done(progress) else {
        return line.and(Tone::Plain, left);
    };
    let room = width.saturating_sub(columns(&name) + columns(&left) + 2);
    if room < SHORTEST_BAR {
        return line.and(Tone::Plain, left);
    }
    let filled = (done * room as f64) as usize;
    line.and(Tone::Active, "━".repeat(filled))
        .and(Tone::Faint, "─".repeat(room - filled))
        .and(Tone::Plain, format!("  {left}"))
}

/// What the scenario does next, and when.
pub(crate) fn next_line(stage: &Stage) -> Option<Line> {
    let Stage::Steady {
        next: Some(next), ..
    } = stage
    else {
        return None;
    };
    let text = format!("{} in {}", next.what, length(next.after));
    Some(Line::of(Tone::Faint, "next     ").and(Tone::Plain, text))
}

/// In one word, as the record and the gates name it.
pub(crate) fn phase_name(stage: &Stage) -> &'static str {
    match stage {
        Stage::Starting => "starting",
        Stage::Ramp { .. } => "ramp",
        Stage::Steady { .. } => "steady",
        Stage::Drain => "drain",
    }
}

fn left(progress: &Progress) -> String {
    let open = count(progress.sockets_open);
    match &progress.stage {
        Stage::Starting => "nodes and workers are ready".to_owned(),
        Stage::Ramp { sockets, left } => {
            let sockets = format!("{open} of {} sockets", count(*sockets));
            match left.is_zero() {
                true => sockets,
                false => format!("{sockets}, {} left", clock(*left)),
            }
        }
        Stage::Steady {
            elapsed, length, ..
        } => {
            let left = length.saturating_sub(*elapsed);
            format!("{} left of {}", clock(left), clock(*length))
        }
        Stage::Drain => format!("{open} sockets left to close"),
    }
}

/// The part of the phase that is over, from 0 to 1.
fn done(progress: &Progress) -> Option<f64> {
    let part = |part: f64, whole: f64| (whole > 0.0).then(|| (part / whole).clamp(0.0, 1.0));
    let open = progress.sockets_open as f64;
    match &progress.stage {
        Stage::Starting => None,
        Stage::Ramp { sockets, .. } => part(open, *sockets as f64),
        Stage::Steady {
            elapsed, length, ..
        } => part(elapsed.as_secs_f64(), length.as_secs_f64()),
        Stage::Drain => part(open, progress.sockets_planned as f64).map(|left| 1.0 - left),
    }
}
