//! The load: sockets, heartbeats, commands, messages, readings, and whether the
//! harness keeps up.

use std::time::Duration;

use highwater_loadgen::coordinator::{
    Progress, Stage,
    progress::{Commands, Heartbeats, Messages, Readings, Response},
};

use super::styled_line::{Line, columns};
use crate::{
    paint::Tone,
    quantity::{self, count, millis},
};

/// A send lag above this makes a run inconclusive, so it is shown.
pub(crate) const LAG_LIMIT: Duration = Duration::from_millis(10);

/// One line for each, at most `width` columns wide.
pub(crate) fn load_lines(progress: &Progress, width: usize) -> Vec<Line> {
    let mut lines = vec![sockets(progress), heartbeats(&progress.heartbeats, width)];
    let steady = is_steady(progress);
    if let Some(load) = &progress.commands {
        lines.extend(match steady {
            true => commands(load, width),
            false => vec![to_come("commands")],
        });
    }
    if let Some(load) = &progress.messages {
        lines.push(match steady {
            true => messages(load, width),
            false => to_come("messages"),
        });
    }
    if let Some(load) = &progress.readings {
        lines.push(match steady {
            true => readings(load, width),
            false => to_come("readings"),
        });
    }
    lines.extend(send_lag(progress));
    lines
}

/// Ends other than a reply, each with its number; those that did not happen
/// are left out.
pub(crate) fn unanswered(commands: &Commands) -> String {
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

fn sockets(progress: &Progress) -> Line {
    let (open, planned) = (progress.sockets_open, progress.sockets_planned);
    let line = label("sockets").and(Tone::Strong, format!("{:>9}  ", count(open)));
    let line = line.and(Tone::Plain, format!("open of {}", count(planned)));
    let missing = progress.sockets_wanted.saturating_sub(open);
    match progress.stage {
        Stage::Steady { .. } if missing > 0 => {
            line.and(Tone::Warning, format!("  {} missing", count(missing)))
        }
        _ => line,
    }
}

fn heartbeats(heartbeats: &Heartbeats, width: usize) -> Line {
    let line = label("heartbeats").and(Tone::Plain, rate(heartbeats.per_s));
    counted(
        response(line, heartbeats.response),
        width,
        "missed",
        heartbeats.missed,
    )
}

/// Whether traffic besides heartbeats has begun.
pub(crate) fn is_steady(progress: &Progress) -> bool {
    matches!(progress.stage, Stage::Steady { .. } | Stage::Drain)
}

fn to_come(what: &str) -> Line {
    label(what).and(Tone::Faint, "  from the steady phase on")
}

/// One line, and a second one for ends without a reply that do not fit it.
fn commands(commands: &Commands, width: usize) -> Vec<Line> {
    let line = label("commands").and(Tone::Plain, rate(commands.per_s));
    let line = response(line, commands.response);
    let outcomes = format!("  {}", unanswered(commands));
    if outcomes.trim().is_empty() {
        let all = commands.response.map_or("", |_| "  all replied");
        return vec![line.and_if_it_fits(width, Tone::Faint, all)];
    }
    match line.width() + columns(&outcomes) <= width {
        true => vec![line.and(Tone::Warning, outcomes)],
        false => vec![line, label("").and(Tone::Warning, outcomes)],
    }
}

fn messages(messages: &Messages, width: usize) -> Line {
    let line = label("messages").and(Tone::Plain, rate(messages.per_s));
    counted(
        response(line, messages.latency),
        width,
        "missing",
        messages.missing,
    )
}

fn readings(readings: &Readings, width: usize) -> Line {
    let line = label("readings").and(Tone::Plain, rate(readings.per_s));
    counted(
        response(line, readings.response),
        width,
        "refused",
        readings.refused,
    )
}

/// With what went wrong so far, if there is room.
fn counted(line: Line, width: usize, what: &str, times: u64) -> Line {
    let tone = match times {
        0 => Tone::Faint,
        _ => Tone::Warning,
    };
    line.and_if_it_fits(width, tone, &format!("  {what} {}", count(times)))
}

fn send_lag(progress: &Progress) -> Option<Line> {
    let lag = high_send_lag(progress)?;
    let limit = LAG_LIMIT.as_millis();
    let text = format!("  {lag}, over the harness's {limit} ms");
    Some(label("send lag").and(Tone::Warning, text))
}

fn label(text: &str) -> Line {
    Line::of(Tone::Faint, format!("{text:<10}"))
}

fn rate(per_s: f64) -> String {
    format!("{:>11}", quantity::rate(per_s) + "/s")
}

fn response(line: Line, response: Option<Response>) -> Line {
    let shown = |duration: Option<Duration>| duration.map_or_else(|| "–".to_owned(), millis);
    let (p50, p99) = (response.map(|r| r.p50), response.map(|r| r.p99));
    line.and(Tone::Faint, "  p50")
        .and(Tone::Plain, format!("{:>8}", shown(p50)))
        .and(Tone::Faint, "  p99")
        .and(Tone::Plain, format!("{:>8}", shown(p99)))
}
