//! The load: sockets, heartbeats, commands, messages, readings, and whether the
//! harness keeps up.

use std::time::Duration;

use highwater_loadgen::coordinator::{
    PhaseProgress, Progress,
    progress::{
        CommandProgress, HeartbeatProgress, MessageProgress, RecentLatency, TelemetryProgress,
    },
};
use highwater_types::format::{
    count,
    live::{self, millis},
};

use super::styled_line::{StyledLine, columns};
use crate::paint::Tone;

/// A send lag above this makes a run inconclusive, so it is shown.
pub(crate) const LAG_LIMIT: Duration = Duration::from_millis(10);

/// One line for each, at most `width` columns wide.
pub(crate) fn load_lines(progress: &Progress, width: usize) -> Vec<StyledLine> {
    let mut lines = vec![sockets(progress), heartbeats(&progress.heartbeats, width)];
    let steady = is_steady(progress);
    if let Some(load) = &progress.commands {
        lines.extend(match steady {
            true => commands(load, width),
            false => vec![not_started_line("commands")],
        });
    }
    if let Some(load) = &progress.messages {
        lines.push(match steady {
            true => messages(load, width),
            false => not_started_line("messages"),
        });
    }
    if let Some(load) = &progress.telemetry {
        lines.push(match steady {
            true => telemetry(load, width),
            false => not_started_line("telemetry"),
        });
    }
    lines.extend(send_lag(progress));
    lines
}

/// Ends other than a reply, each with its number; those that did not happen
/// are left out.
pub(crate) fn unanswered(commands: &CommandProgress) -> String {
    [
        ("timed out", commands.timed_out),
        ("not connected", commands.not_connected),
        ("rejected", commands.rejected),
        ("failed", commands.failed),
    ]
    .into_iter()
    .filter(|(_, times)| *times > 0)
    .map(|(outcome, times)| format!("{outcome} {}", count(times)))
    .collect::<Vec<_>>()
    .join(", ")
}

/// The worst send lag, where it is above its limit.
pub(crate) fn high_send_lag(progress: &Progress) -> Option<String> {
    let (worker, lag) = progress.send_lag.as_ref()?;
    (*lag > LAG_LIMIT).then(|| format!("p99 {} on {worker}", millis(*lag)))
}

fn sockets(progress: &Progress) -> StyledLine {
    let (open, planned) = (progress.sockets_open, progress.sockets_planned);
    let line = label("sockets").with(Tone::Strong, format!("{:>9}  ", count(open)));
    let line = line.with(Tone::Plain, format!("open of {}", count(planned)));
    let missing = progress.sockets_wanted.saturating_sub(open);
    match progress.phase {
        PhaseProgress::Steady { .. } if missing > 0 => {
            line.with(Tone::Warning, format!("  {} missing", count(missing)))
        }
        _ => line,
    }
}

fn heartbeats(heartbeats: &HeartbeatProgress, width: usize) -> StyledLine {
    let line = label("heartbeats").with(Tone::Plain, rate(heartbeats.per_s));
    with_count(
        response(line, heartbeats.response_time),
        width,
        "missed",
        heartbeats.missed,
    )
}

/// Whether traffic besides heartbeats has begun.
pub(crate) fn is_steady(progress: &Progress) -> bool {
    matches!(
        progress.phase,
        PhaseProgress::Steady { .. } | PhaseProgress::Drain
    )
}

fn not_started_line(what: &str) -> StyledLine {
    label(what).with(Tone::Faint, "  from the steady phase on")
}

/// One line, and a second one for ends without a reply that do not fit it.
fn commands(commands: &CommandProgress, width: usize) -> Vec<StyledLine> {
    let line = label("commands").with(Tone::Plain, rate(commands.per_s));
    let line = response(line, commands.response_time);
    let outcomes = format!("  {}", unanswered(commands));
    if outcomes.trim().is_empty() {
        let all = commands.response_time.map_or("", |_| "  all replied");
        return vec![line.with_if_it_fits(width, Tone::Faint, all)];
    }
    match line.width() + columns(&outcomes) <= width {
        true => vec![line.with(Tone::Warning, outcomes)],
        false => vec![line, label("").with(Tone::Warning, outcomes)],
    }
}

fn messages(messages: &MessageProgress, width: usize) -> StyledLine {
    let line = label("messages").with(Tone::Plain, rate(messages.per_s));
    with_count(
        response(line, messages.latency),
        width,
        "missing",
        messages.missing,
    )
}

fn telemetry(readings: &TelemetryProgress, width: usize) -> StyledLine {
    let line = label("telemetry").with(Tone::Plain, rate(readings.per_s));
    with_count(
        response(line, readings.response_time),
        width,
        "rejected",
        readings.rejected,
    )
}

/// Appends the count of failures to a line, if there is room.
fn with_count(line: StyledLine, width: usize, what: &str, times: u64) -> StyledLine {
    let tone = match times {
        0 => Tone::Faint,
        _ => Tone::Warning,
    };
    line.with_if_it_fits(width, tone, &format!("  {what} {}", count(times)))
}

fn send_lag(progress: &Progress) -> Option<StyledLine> {
    let lag = high_send_lag(progress)?;
    let limit = LAG_LIMIT.as_millis();
    let text = format!("  {lag}, over the harness's {limit} ms");
    Some(label("send lag").with(Tone::Warning, text))
}

fn label(text: &str) -> StyledLine {
    StyledLine::of(Tone::Faint, format!("{text:<10}"))
}

fn rate(per_s: f64) -> String {
    format!("{:>11}", live::rate(per_s) + "/s")
}

fn response(line: StyledLine, response: Option<RecentLatency>) -> StyledLine {
    let shown = |duration: Option<Duration>| duration.map_or_else(|| "–".to_owned(), millis);
    let (p50, p99) = (response.map(|r| r.p50), response.map(|r| r.p99));
    line.with(Tone::Faint, "  p50")
        .with(Tone::Plain, format!("{:>8}", shown(p50)))
        .with(Tone::Faint, "  p99")
        .with(Tone::Plain, format!("{:>8}", shown(p99)))
}
