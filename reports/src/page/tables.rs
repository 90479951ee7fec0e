//! Tables of gates, times and costs.

use highwater_types::format;

use super::table::{PageTable, TableRow, missing, row, table};
use crate::{
    summary::{Distribution, GateOutcome, SlopeFit, Summary},
    text,
};

/// Of what, how much, and how that is written.
type CostRow = (&'static str, Option<SlopeFit>, fn(f64) -> String);

/// Each gate with what its figure is and may be.
pub(super) fn gates(summary: &Summary) -> PageTable {
    let row = |gate: &GateOutcome| {
        let name = match gate.name == gate.check {
            true => gate.check.clone(),
            false => format!("{}: {}", gate.name, gate.check),
        };
        TableRow {
            class: text::verdict_word(gate.verdict),
            cells: vec![
                name,
                gate.during.clone().unwrap_or_default(),
                text::actual(gate),
                text::limit(gate),
                text::verdict_word(gate.verdict).to_owned(),
            ],
        }
    };
    PageTable {
        rows: summary.gates.iter().map(row).collect(),
        ..table("", ["gate", "during", "is", "limit", "verdict"])
    }
}

/// Every distribution in which something was counted.
pub(super) fn times(summary: &Summary) -> PageTable {
    let heartbeats = &summary.heartbeats;
    let mut named = vec![
        ("connect", &summary.sockets.connect_ms),
        (
            "reconnect, from losing the socket",
            &summary.sockets.reconnect_ms,
        ),
        ("heartbeat response", &heartbeats.response_ms),
        ("heartbeat service", &heartbeats.service_ms),
    ];
    if let Some(commands) = &summary.commands {
        named.extend([
            ("command response", &commands.response_ms),
            ("command service", &commands.service_ms),
            ("on the owner's node", &commands.same_node_ms),
            ("across nodes", &commands.cross_node_ms),
        ]);
    }
    if let Some(messages) = &summary.messages {
        named.extend([
            (
                "message latency, from when it was due",
                &messages.latency_ms,
            ),
            (
                "message latency, from when it was sent",
                &messages.service_ms,
            ),
        ]);
    }
    if let Some(readings) = &summary.telemetry {
        named.extend([
            ("telemetry accepted, response", &readings.response_ms),
            ("telemetry accepted, service", &readings.service_ms),
        ]);
    }
    let lags: Vec<(String, &Distribution)> = summary
        .workers
        .iter()
        .map(|worker| (format!("send lag of {}", worker.id), &worker.send_lag_ms))
        .collect();
    let named = named
        .into_iter()
        .map(|(name, times)| (name.to_owned(), times));
    let counted = named.chain(lags).filter(|(_, times)| times.count > 0);
    PageTable {
        rows: counted
            .map(|(name, times)| distribution(name, times))
            .collect(),
        ..table(
            "",
            ["", "count", "mean", "p50", "p90", "p99", "p99.9", "max"],
        )
    }
}

/// What one more socket costs, with its interval.
pub(super) fn costs(summary: &Summary) -> PageTable {
    let cost = &summary.cost_per_socket;
    let all: [CostRow; 7] = [
        ("node, resident memory", cost.node_rss, format::size),
        ("node, heap", cost.node_heap, format::size),
        (
            "node, open files",
            cost.node_open_files,
            format::significant,
        ),
        ("worker, resident memory", cost.worker_rss, format::size),
        ("balancer, resident memory", cost.balancer_rss, format::size),
        (
            "balancer, open files",
            cost.balancer_open_files,
            format::significant,
        ),
        (
            "kernel, for each end on the load's host",
            cost.kernel,
            format::size,
        ),
    ];
    let rows = all.into_iter().filter_map(|(name, fit, display)| {
        let fit = fit?;
        let between = format!("{} to {}", display(fit.low), display(fit.high));
        Some(row([name.to_owned(), display(fit.value), between]))
    });
    PageTable {
        rows: rows.collect(),
        ..table("", ["", "cost", "95 % interval"])
    }
}

fn distribution(name: String, times: &Distribution) -> TableRow {
    let ms = |value: Option<f64>| value.map_or_else(missing, format::millis);
    row([
        name,
        format::count(times.count),
        ms(times.mean),
        ms(times.p50),
        ms(times.p90),
        ms(times.p99),
        ms(times.p999),
        ms(times.max),
    ])
}
