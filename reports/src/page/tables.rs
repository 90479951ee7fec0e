//! Tables of what the run showed.

use super::table::{Row, Table, missing, number, row, table};
use crate::{
    analysis::{cut::Cut, failures},
    human,
    summary::{Agreement, Distribution, Fit, GateOutcome, LedgerSide, Summary},
    text,
};

/// Of what, how much, and how that is written.
type Cost = (&'static str, Option<Fit>, fn(f64) -> String);

/// Each gate with what its figure is and may be.
pub(super) fn gates(summary: &Summary) -> Table {
    let row = |gate: &GateOutcome| {
        let name = match gate.name == gate.check {
            true => gate.check.clone(),
            false => format!("{}: {}", gate.name, gate.check),
        };
        Row {
            class: text::word(gate.verdict),
            cells: vec![
                name,
                gate.during.clone().unwrap_or_default(),
                text::actual(gate),
                text::limit(gate),
                text::word(gate.verdict).to_owned(),
            ],
        }
    };
    Table {
        rows: summary.gates.iter().map(row).collect(),
        ..table("", ["gate", "during", "is", "limit", "verdict"])
    }
}

/// Every distribution in which something was counted.
pub(super) fn times(summary: &Summary) -> Table {
    let heartbeats = &summary.heartbeats;
    let mut named = vec![
        ("connect", &summary.sockets.connect_ms),
        ("away, from losing a socket", &summary.sockets.reconnect_ms),
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
    if let Some(readings) = &summary.readings {
        named.extend([
            ("reading accepted, response", &readings.response_ms),
            ("reading accepted, service", &readings.service_ms),
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
    Table {
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
pub(super) fn costs(summary: &Summary) -> Table {
    let cost = &summary.cost_per_socket;
    let all: [Cost; 7] = [
        ("node, resident memory", cost.node_rss, human::bytes),
        ("node, heap", cost.node_heap, human::bytes),
        ("node, open files", cost.node_open_files, human::significant),
        ("worker, resident memory", cost.worker_rss, human::bytes),
        ("balancer, resident memory", cost.gateway_rss, human::bytes),
        (
            "balancer, open files",
            cost.gateway_open_files,
            human::significant,
        ),
        (
            "kernel, for each end on the load's host",
            cost.kernel,
            human::bytes,
        ),
    ];
    let rows = all.into_iter().filter_map(|(name, fit, display)| {
        let fit = fit?;
        let between = format!("{} to {}", display(fit.low), display(fit.high));
        Some(row([name.to_owned(), display(fit.value), between]))
    });
    Table {
        rows: rows.collect(),
        ..table("", ["", "cost", "95 % interval"])
    }
}

/// What happened how often.
pub(super) fn counts(summary: &Summary) -> Vec<Table> {
    let sockets = &summary.sockets;
    let heartbeats = &summary.heartbeats;
    let mut tables = vec![
        counted(
            "Sockets",
            &[
                ("requested", Some(sockets.requested)),
                ("opened", Some(sockets.opened)),
                ("failed", Some(sockets.failed)),
                ("dropped", Some(sockets.dropped)),
                ("open at once, clients", Some(sockets.open_peak)),
                ("open at once, nodes", sockets.server_open_peak),
                ("open at the end", sockets.open_at_end),
            ],
        ),
        counted(
            "Heartbeats",
            &[
                ("due", Some(heartbeats.due)),
                ("sent", Some(heartbeats.sent)),
                ("acknowledged", Some(heartbeats.acknowledged)),
                ("late", Some(heartbeats.late)),
                ("missed", Some(heartbeats.missed)),
            ],
        ),
    ];
    if let Some(commands) = &summary.commands {
        tables.push(counted(
            "Commands",
            &[
                ("due", Some(commands.due)),
                ("dropped", Some(commands.dropped)),
                ("issued", Some(commands.issued)),
                ("replied", Some(commands.replied)),
                ("timed out", Some(commands.timed_out)),
                ("not connected", Some(commands.not_connected)),
                ("rejected", Some(commands.rejected)),
                ("failed", Some(commands.failed)),
                ("lost", Some(commands.lost)),
            ],
        ));
    }
    if let Some(messages) = &summary.messages {
        tables.push(counted(
            "Messages",
            &[
                ("scheduled", Some(messages.scheduled)),
                ("published", Some(messages.published)),
                ("dropped", Some(messages.dropped)),
                ("rejected", Some(messages.rejected)),
                ("unconfirmed", Some(messages.unconfirmed)),
            ],
        ));
        tables.push(counted(
            "Deliveries",
            &[
                ("due", Some(messages.due)),
                ("delivered", Some(messages.delivered)),
                ("lost", Some(messages.lost)),
                ("duplicated", Some(messages.duplicated)),
                ("reordered", Some(messages.reordered)),
            ],
        ));
    }
    if let Some(readings) = &summary.readings {
        tables.push(counted(
            "Readings",
            &[
                ("due", Some(readings.due)),
                ("sent", Some(readings.sent)),
                ("sent again", Some(readings.resent)),
                ("refused", Some(readings.refused)),
                ("accepted", Some(readings.accepted)),
                ("handled", readings.handled),
                ("handled again", readings.duplicated),
                ("redelivered", readings.redelivered),
                ("lost", readings.lost),
            ],
        ));
    }
    tables
}

/// What both ends counted.
pub(super) fn ledger(summary: &Summary) -> Table {
    let side = |side: &LedgerSide| format!("{} {}", side.who, human::count(side.count));
    let rows = summary.ledger.iter().map(|line| Row {
        class: match line.verdict {
            Agreement::Agrees => "passed",
            Agreement::Differs => "failed",
            Agreement::Unknown => "inconclusive",
        },
        cells: vec![
            line.what.clone(),
            side(&line.left),
            side(&line.right),
            human::count(line.difference.unsigned_abs()),
            human::count(line.unsure),
            match (line.verdict, &line.note) {
                (Agreement::Agrees, _) => "agrees".to_owned(),
                (Agreement::Differs, _) => "differs".to_owned(),
                (Agreement::Unknown, None) => "not known".to_owned(),
                (Agreement::Unknown, Some(note)) => format!("not known: {note}"),
            },
        ],
    });
    Table {
        rows: rows.collect(),
        ..table(
            "",
            [
                "",
                "one end",
                "other end",
                "difference",
                "explained",
                "verdict",
            ],
        )
    }
}

/// What went wrong, by kind.
pub(super) fn failures(cut: &Cut) -> Table {
    let failures = failures::failures(cut).into_iter();
    Table {
        rows: failures
            .map(|f| row([f.counter, human::count(f.count)]))
            .collect(),
        ..table("Failures by kind", ["kind", "count"])
    }
}

fn counted(caption: &'static str, counts: &[(&str, Option<u64>)]) -> Table {
    let rows = counts
        .iter()
        .map(|&(name, count)| row([name.to_owned(), number(count)]));
    Table {
        rows: rows.collect(),
        ..table(caption, ["", ""])
    }
}

fn distribution(name: String, times: &Distribution) -> Row {
    let ms = |value: Option<f64>| value.map_or_else(missing, human::millis);
    row([
        name,
        human::count(times.count),
        ms(times.mean),
        ms(times.p50),
        ms(times.p90),
        ms(times.p99),
        ms(times.p999),
        ms(times.max),
    ])
}
