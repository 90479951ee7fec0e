//! The load: sockets, heartbeats, commands, exchanges, messages, telemetry, and whether the
//! harness keeps up.

use std::time::Duration;

use console::measure_text_width;
use highwater_loadgen::coordinator::{
    PhaseProgress, Progress,
    progress::{CommandProgress, RecentLatency},
};
use highwater_types::format::{
    count,
    live::{self, millis},
};

use crate::paint::{FAINT, STRONG, WARNING, push_if_fits};

/// A send lag above this makes a run inconclusive, so it is shown.
pub(crate) const LAG_LIMIT: Duration = Duration::from_millis(10);

/// Most silent workers that are shown by name.
const MAX_SILENT_SHOWN: usize = 3;

/// Returns a line for each kind of load, at most `width` columns wide.
pub(crate) fn load_lines(progress: &Progress, width: usize) -> Vec<String> {
    let beats = &progress.heartbeats;
    let line = traffic("heartbeats", beats.per_s, beats.response_time);
    let mut lines = vec![
        sockets(progress),
        with_count(line, width, "missed", beats.missed),
    ];
    let (commands, messages, telemetry) =
        (&progress.commands, &progress.messages, &progress.telemetry);
    let exchanges = &progress.exchanges;
    if is_steady(progress) {
        if let Some(load) = commands {
            lines.extend(command_lines(load, width));
        }
        if let Some(load) = exchanges {
            let line = traffic("exchanges", load.per_s, load.response_time);
            lines.push(with_count(line, width, "unanswered", load.unanswered));
        }
        if let Some(load) = messages {
            let line = traffic("messages", load.per_s, load.latency);
            lines.push(with_count(line, width, "missing", load.missing));
        }
        if let Some(load) = telemetry {
            let line = traffic("telemetry", load.per_s, load.response_time);
            lines.push(with_count(line, width, "rejected", load.rejected));
        }
    } else {
        let planned = [
            commands.as_ref().map(|_| "commands"),
            exchanges.as_ref().map(|_| "exchanges"),
            messages.as_ref().map(|_| "messages"),
            telemetry.as_ref().map(|_| "telemetry"),
        ];
        let start = FAINT.apply_to("  from the steady phase on");
        let not_started = |name| format!("{}{start}", label(name));
        lines.extend(planned.into_iter().flatten().map(not_started));
    }
    lines.extend(high_send_lag(progress).map(|lag| {
        let text = format!("  {lag}, over the harness's {} ms", LAG_LIMIT.as_millis());
        format!("{}{}", label("send lag"), WARNING.apply_to(text))
    }));
    lines.extend(silent_workers(progress).map(|silent| {
        let text = WARNING.apply_to(format!("  {silent}"));
        format!("{}{text}", label("workers"))
    }));
    lines
}

/// Returns the workers that have sent nothing for some seconds, if there are any.
pub(crate) fn silent_workers(progress: &Progress) -> Option<String> {
    let (shown, others) = progress
        .silent_workers
        .split_at(progress.silent_workers.len().min(MAX_SILENT_SHOWN));
    let shown: Vec<String> = shown
        .iter()
        .map(|(id, silence)| format!("{id} silent for {}", live::duration(*silence)))
        .collect();
    let others = match others.len() {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    (!shown.is_empty()).then(|| shown.join(", ") + &others)
}

/// Returns the ends other than a reply, each with its count. Ends that did not occur are
/// left out.
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

/// Returns the worst send lag if it is above its limit.
pub(crate) fn high_send_lag(progress: &Progress) -> Option<String> {
    let (worker, lag) = progress.send_lag.as_ref()?;
    (*lag > LAG_LIMIT).then(|| format!("p99 {} on {worker}", millis(*lag)))
}

/// Whether traffic besides heartbeats has begun.
pub(crate) fn is_steady(progress: &Progress) -> bool {
    matches!(
        progress.phase,
        PhaseProgress::Steady { .. } | PhaseProgress::Drain
    )
}

fn sockets(progress: &Progress) -> String {
    let (open, planned) = (progress.sockets_open, progress.sockets_planned);
    let shown = STRONG.apply_to(format!("{:>9}  ", count(open)));
    let line = format!("{}{shown}open of {}", label("sockets"), count(planned));
    let missing = progress.sockets_wanted.saturating_sub(open);
    match progress.phase {
        // Sockets that are not open yet, or not any more, are missing in no other phase.
        PhaseProgress::Steady { .. } if missing > 0 => {
            let missing = format!("  {} missing", count(missing));
            format!("{line}{}", WARNING.apply_to(missing))
        }
        _ => line,
    }
}

/// Returns one line, and a second one for ends without a reply that do not fit it.
fn command_lines(commands: &CommandProgress, width: usize) -> Vec<String> {
    let mut line = traffic("commands", commands.per_s, commands.response_time);
    let outcomes = format!("  {}", unanswered(commands));
    if !outcomes.trim().is_empty() {
        let fits = measure_text_width(&line) + measure_text_width(&outcomes) <= width;
        let outcomes = WARNING.apply_to(outcomes);
        return match fits {
            true => vec![format!("{line}{outcomes}")],
            false => vec![line, format!("{}{outcomes}", label(""))],
        };
    }
    // Before the first reply there is nothing to praise.
    if commands.response_time.is_some() {
        let all = FAINT.apply_to("  all replied").to_string();
        push_if_fits(&mut line, width, &all);
    }
    vec![line]
}

/// Appends the count of failures to a line, if there is room.
fn with_count(mut line: String, width: usize, name: &str, times: u64) -> String {
    let style = if times == 0 { FAINT } else { WARNING };
    let text = style.apply_to(format!("  {name} {}", count(times)));
    push_if_fits(&mut line, width, &text.to_string());
    line
}

fn label(text: &str) -> String {
    FAINT.apply_to(format!("{text:<10}")).to_string()
}

/// Returns a rate with its recent latency, each in columns of fixed width.
fn traffic(name: &str, per_s: f64, latency: Option<RecentLatency>) -> String {
    let shown = |time: fn(RecentLatency) -> Duration| {
        latency.map_or_else(|| "–".to_owned(), |latency| millis(time(latency)))
    };
    format!(
        "{}{:>11}{}{:>8}{}{:>8}",
        label(name),
        live::rate(per_s) + "/s",
        FAINT.apply_to("  p50"),
        shown(|latency| latency.p50),
        FAINT.apply_to("  p99"),
        shown(|latency| latency.p99),
    )
}
