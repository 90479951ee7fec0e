//! The phase: its name, a bar, and what is left of it.

use highwater_loadgen::coordinator::{PhaseProgress, Progress};
use highwater_types::format::{
    count,
    live::{self, clock},
};

use super::styled_line::{StyledLine, columns};
use crate::paint::Tone;

/// Columns that a bar has at least; a line without room for it has none.
const SHORTEST_BAR: usize = 8;

/// `steady ━━━━━━━━──────── 01:29 left of 02:00`, `width` columns wide.
pub(crate) fn phase_line(progress: &Progress, width: usize) -> StyledLine {
    let name = format!("{:<8} ", phase_name(&progress.phase));
    let left = remaining_text(progress);
    let line = StyledLine::of(Tone::Strong, &name);
    let Some(done) = completed_fraction(progress) else {
        return line.with(Tone::Plain, left);
    };
    let room = width.saturating_sub(columns(&name) + columns(&left) + 2);
    if room < SHORTEST_BAR {
        return line.with(Tone::Plain, left);
    }
    let filled = (done * room as f64) as usize;
    line.with(Tone::Active, "━".repeat(filled))
        .with(Tone::Faint, "─".repeat(room - filled))
        .with(Tone::Plain, format!("  {left}"))
}

/// Returns the line about the scenario's next event and its time.
pub(crate) fn next_line(stage: &PhaseProgress) -> Option<StyledLine> {
    let PhaseProgress::Steady {
        next_action: Some(next),
        ..
    } = stage
    else {
        return None;
    };
    let text = format!("{} in {}", next.title, live::duration(next.after));
    Some(StyledLine::of(Tone::Faint, "next     ").with(Tone::Plain, text))
}

/// Returns the name of the phase as in the record and the gates.
pub(crate) fn phase_name(stage: &PhaseProgress) -> &'static str {
    match stage {
        PhaseProgress::Starting => "starting",
        PhaseProgress::Ramp { .. } => "ramp",
        PhaseProgress::Steady { .. } => "steady",
        PhaseProgress::Drain => "drain",
    }
}

fn remaining_text(progress: &Progress) -> String {
    let open = count(progress.sockets_open);
    match &progress.phase {
        PhaseProgress::Starting => "nodes and workers are ready".to_owned(),
        PhaseProgress::Ramp {
            sockets,
            remaining: left,
        } => {
            let sockets = format!("{open} of {} sockets", count(*sockets));
            match left.is_zero() {
                true => sockets,
                false => format!("{sockets}, {} left", clock(*left)),
            }
        }
        PhaseProgress::Steady {
            elapsed,
            duration: length,
            ..
        } => {
            let left = length.saturating_sub(*elapsed);
            format!("{} left of {}", clock(left), clock(*length))
        }
        PhaseProgress::Drain => format!("{open} sockets left to close"),
    }
}

/// The part of the phase that is over, from 0 to 1.
fn completed_fraction(progress: &Progress) -> Option<f64> {
    let part = |part: f64, whole: f64| (whole > 0.0).then(|| (part / whole).clamp(0.0, 1.0));
    let open = progress.sockets_open as f64;
    match &progress.phase {
        PhaseProgress::Starting => None,
        PhaseProgress::Ramp { sockets, .. } => part(open, *sockets as f64),
        PhaseProgress::Steady {
            elapsed,
            duration: length,
            ..
        } => part(elapsed.as_secs_f64(), length.as_secs_f64()),
        PhaseProgress::Drain => part(open, progress.sockets_planned as f64).map(|left| 1.0 - left),
    }
}
