//! The phase: its name, a bar, and what is left of it.

use console::measure_text_width;
use highwater_loadgen::coordinator::{PhaseProgress, Progress};
use highwater_types::format::{
    count,
    live::{self, clock},
};

use crate::paint::{ACTIVE, FAINT, STRONG};

/// Least columns of a bar. A line without room for them has no bar.
const MIN_BAR: usize = 8;

/// Returns `steady ━━━━━━━━──────── 01:29 left of 02:00`, `width` columns wide.
pub(crate) fn phase_line(progress: &Progress, width: usize) -> String {
    let name = format!("{:<8} ", phase_name(&progress.phase));
    let left = remaining_text(progress);
    // Two spaces separate the bar from the text.
    let taken = measure_text_width(&name) + measure_text_width(&left) + 2;
    let room = width.saturating_sub(taken);
    let name = STRONG.apply_to(name);
    match completed_fraction(progress) {
        Some(done) if room >= MIN_BAR => {
            let filled = (done * room as f64) as usize;
            let over = ACTIVE.apply_to("━".repeat(filled));
            let rest = FAINT.apply_to("─".repeat(room - filled));
            format!("{name}{over}{rest}  {left}")
        }
        _ => format!("{name}{left}"),
    }
}

/// Returns the line about the scenario's next event and its time.
pub(crate) fn next_line(phase: &PhaseProgress) -> Option<String> {
    let PhaseProgress::Steady { next_action, .. } = phase else {
        return None;
    };
    let next = next_action.as_ref()?;
    let label = FAINT.apply_to("next     ");
    Some(format!(
        "{label}{} in {}",
        next.title,
        live::duration(next.after)
    ))
}

/// Returns the name of the phase as in the record and the gates.
pub(crate) fn phase_name(phase: &PhaseProgress) -> &'static str {
    match phase {
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
        PhaseProgress::Ramp { sockets, remaining } => {
            let sockets = format!("{open} of {} sockets", count(*sockets));
            // Zero: the last socket is due, and some are not open yet.
            match remaining.is_zero() {
                true => sockets,
                false => format!("{sockets}, {} left", clock(*remaining)),
            }
        }
        PhaseProgress::Steady {
            elapsed, duration, ..
        } => {
            let left = duration.saturating_sub(*elapsed);
            format!("{} left of {}", clock(left), clock(*duration))
        }
        PhaseProgress::Drain => format!("{open} sockets left to close"),
    }
}

/// Returns the share of the phase that is over, from 0 to 1. A phase without a known
/// length has none.
fn completed_fraction(progress: &Progress) -> Option<f64> {
    let open = progress.sockets_open as f64;
    let (done, whole) = match progress.phase {
        PhaseProgress::Starting => return None,
        PhaseProgress::Ramp { sockets, .. } => (open, sockets as f64),
        PhaseProgress::Steady {
            elapsed, duration, ..
        } => (elapsed.as_secs_f64(), duration.as_secs_f64()),
        PhaseProgress::Drain => {
            let planned = progress.sockets_planned as f64;
            (planned - open, planned)
        }
    };
    // A run may plan no sockets, and a share of nothing is not a number.
    (whole > 0.0).then(|| (done / whole).clamp(0.0, 1.0))
}
