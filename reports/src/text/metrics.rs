//! The headline figures, a line for each part of the run.

use highwater_types::format;

use super::columns::truncate_to_width;
use crate::summary::{Distribution, ProcessSummary, Summary};

/// Nodes beyond this many are only summed up.
const MOST_NODES: usize = 3;

/// Sockets, heartbeats, commands, messages, readings, nodes, cost.
pub(super) fn metric_lines(summary: &Summary) -> Vec<String> {
    let mut lines = vec![
        line("sockets", sockets(summary)),
        line("heartbeats", heartbeats(summary)),
    ];
    lines.extend(commands(summary).map(|text| line("commands", text)));
    lines.extend(messages(summary).map(|text| line("messages", text)));
    lines.extend(telemetry(summary).map(|text| line("telemetry", text)));
    lines.extend(nodes(&summary.nodes));
    lines.extend(cost(summary).map(|text| line("a socket", text)));
    lines
}

fn line(what: &str, text: String) -> String {
    truncate_to_width(&format!("  {what:<11} {text}"))
}

fn sockets(summary: &Summary) -> String {
    let sockets = &summary.sockets;
    let opened = format!(
        "{} of {} opened",
        format::count(sockets.opened),
        format::count(sockets.requested)
    );
    let rate = sockets.connect_rate_per_s;
    let rate = rate.map_or_else(String::new, |rate| {
        format!(", {}/s", format::significant(rate))
    });
    opened + &rate + &times("connect", &sockets.connect_ms)
}

fn heartbeats(summary: &Summary) -> String {
    let heartbeats = &summary.heartbeats;
    format!(
        "{} due, {} missed{}",
        format::count(heartbeats.due),
        format::count(heartbeats.missed),
        times("response", &heartbeats.response_ms)
    )
}

fn commands(summary: &Summary) -> Option<String> {
    let commands = summary.commands.as_ref()?;
    Some(format!(
        "{} of {} replied{}",
        format::count(commands.replied),
        format::count(commands.due),
        times("response", &commands.response_ms)
    ))
}

fn messages(summary: &Summary) -> Option<String> {
    let messages = summary.messages.as_ref()?;
    Some(format!(
        "{} deliveries, {} lost{}",
        format::count(messages.delivered),
        format::count(messages.lost),
        times("latency", &messages.latency_ms)
    ))
}

fn telemetry(summary: &Summary) -> Option<String> {
    let readings = summary.telemetry.as_ref()?;
    let lost = readings.lost.map_or_else(String::new, |lost| {
        format!(", {} lost", format::count(lost))
    });
    Some(format!(
        "{} of {} accepted{lost}{}",
        format::count(readings.accepted),
        format::count(readings.due),
        times("response", &readings.response_ms)
    ))
}

/// Nothing where nothing was counted.
fn times(what: &str, times: &Distribution) -> String {
    match (times.p50, times.p99) {
        (Some(p50), Some(p99)) => format!(
            "; {what} p50 {}, p99 {}",
            format::millis(p50),
            format::millis(p99)
        ),
        _ => String::new(),
    }
}

fn nodes(nodes: &[ProcessSummary]) -> Vec<String> {
    if nodes.len() <= MOST_NODES {
        let each = nodes.iter();
        return each
            .map(|node| line(&format!("node {}", node.id), node_text(node)))
            .collect();
    }
    let most = |of: fn(&ProcessSummary) -> Option<u64>| nodes.iter().filter_map(of).max();
    let largest = ProcessSummary {
        id: String::new(),
        sockets_peak: most(|node| node.sockets_peak),
        sockets_at_end: None,
        rss_peak: most(|node| node.rss_peak),
        heap_peak: most(|node| node.heap_peak),
        open_files_peak: most(|node| node.open_files_peak),
        cpu_s: None,
        restarts: None,
        exit_code: None,
    };
    let text = format!("at most {}", node_text(&largest));
    vec![line(&format!("{} nodes", nodes.len()), text)]
}

fn node_text(node: &ProcessSummary) -> String {
    let bytes = |value: u64| format::size(value as f64);
    let parts = [
        node.sockets_peak
            .map(|n| format!("{} sockets", format::count(n))),
        node.rss_peak.map(|n| format!("{} resident", bytes(n))),
        node.heap_peak.map(|n| format!("{} heap", bytes(n))),
        node.open_files_peak
            .map(|n| format!("{} files", format::count(n))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => "not measured".to_owned(),
        false => parts.join(", "),
    }
}

fn cost(summary: &Summary) -> Option<String> {
    let cost = &summary.cost_per_socket;
    let parts = [
        cost.node_rss.map(|fit| {
            format!(
                "{} of node memory ({} to {})",
                format::size(fit.value),
                format::size(fit.low),
                format::size(fit.high)
            )
        }),
        cost.node_heap
            .map(|fit| format!("{} of heap", format::size(fit.value))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("costs {}", parts.join(", ")))
}
