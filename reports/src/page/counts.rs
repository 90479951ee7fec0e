//! Tables of what was counted: at one end, at both, and what went wrong.

use highwater_types::format;

use super::table::{PageTable, TableRow, number, row, table};
use crate::{
    analysis::{failures, run_window::RunWindow},
    summary::{Agreement, LedgerSide, Summary},
};

/// What happened how often.
pub(super) fn counts(summary: &Summary) -> Vec<PageTable> {
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
    if let Some(readings) = &summary.telemetry {
        tables.push(counted(
            "Telemetry",
            &[
                ("due", Some(readings.due)),
                ("sent", Some(readings.sent)),
                ("sent again", Some(readings.resent)),
                ("rejected", Some(readings.rejected)),
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
pub(super) fn ledger(summary: &Summary) -> PageTable {
    let side = |side: &LedgerSide| match side.count {
        Some(count) => format!("{} {}", side.who, format::count(count)),
        None => format!("{}: not measured", side.who),
    };
    let rows = summary.ledger.iter().map(|line| TableRow {
        class: match line.verdict {
            Agreement::Agrees => "passed",
            Agreement::Differs => "failed",
            Agreement::Unknown => "inconclusive",
            Agreement::Unmeasured => "",
        },
        cells: vec![
            line.what.clone(),
            side(&line.left),
            side(&line.right),
            line.difference
                .map(|by| format::count(by.unsigned_abs()))
                .unwrap_or_default(),
            format::count(line.unsure),
            match (line.verdict, &line.note) {
                (Agreement::Agrees, _) => "agrees".to_owned(),
                (Agreement::Differs, _) => "differs".to_owned(),
                (Agreement::Unknown, None) => "not known".to_owned(),
                (Agreement::Unknown, Some(note)) => format!("not known: {note}"),
                (Agreement::Unmeasured, _) => "not measured".to_owned(),
            },
        ],
    });
    PageTable {
        rows: rows.collect(),
        ..table(
            "",
            [
                "",
                "one end",
                "other end",
                "difference",
                "may differ by",
                "verdict",
            ],
        )
    }
}

/// What went wrong, by kind.
pub(super) fn failures(window: &RunWindow) -> PageTable {
    let failures = failures::failures(window).into_iter();
    PageTable {
        rows: failures
            .map(|f| row([f.counter, format::count(f.count)]))
            .collect(),
        ..table("Failures by kind", ["kind", "count"])
    }
}

fn counted(caption: &'static str, counts: &[(&str, Option<u64>)]) -> PageTable {
    let rows = counts
        .iter()
        .map(|&(name, count)| row([name.to_owned(), number(count)]));
    PageTable {
        rows: rows.collect(),
        ..table(caption, ["", ""])
    }
}
