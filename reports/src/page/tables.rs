//! Tables of everything that is not a metric of the registry: gates, the ledger, failures,
//! new sockets over time, and the machine.

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

use super::{
    metric_tables::event_title,
    table::{PageTable, TableRow, by_node_text, missing, row, table, value},
};
use crate::{
    analysis::{
        failure_words::{example_text, failure_sentence},
        summary::FailureSummary,
    },
    record::Manifest,
    summary::{
        Agreement, FailureOrigin, GateOutcome, LedgerLine, LedgerSide, ObservedMetric, Summary,
    },
    text,
};

/// Most workers that the table of failures names in a row.
const MAX_WORKERS: usize = 4;

/// Returns the table of gates.
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
    let head = ["gate", "during", "actual", "limit", "verdict"];
    table("", head, summary.gates.iter().map(row).collect())
}

/// Returns the table of the ledger.
pub(super) fn ledger(summary: &Summary) -> PageTable {
    let head = [
        "",
        "one end",
        "other end",
        "difference",
        "explained",
        "verdict",
    ];
    table("", head, summary.ledger.iter().map(ledger_row).collect())
}

/// Returns the table of the target's own metrics.
pub(super) fn observed(summary: &Summary) -> PageTable {
    let rows = summary.observe.iter().flat_map(|(process, metrics)| {
        let metrics = metrics.iter();
        metrics.map(move |(name, metric)| observed_row(process, name, metric))
    });
    let head = ["", "min", "mean", "max", "last", "growth per hour"];
    table("", head, rows.collect())
}

/// Returns the table of failures, the most frequent first.
pub(super) fn failures(summary: &Summary) -> PageTable {
    let workers = summary.workers.len();
    let head = [
        "kind",
        "origin",
        "what happened",
        "first",
        "last",
        "workers",
    ];
    let rows = summary.failures.iter();
    let rows = rows.map(|failure| {
        row([
            failure.kind.clone(),
            origin(failure.origin).to_owned(),
            failure_text(failure, workers),
            format::seconds(failure.first_s),
            format::seconds(failure.last_s),
            worker_names(failure, workers),
        ])
    });
    table("", head, rows.collect())
}

/// Describes a failure with all of its examples.
fn failure_text(failure: &FailureSummary, workers: usize) -> String {
    let further = failure.further_examples.iter();
    let further = further.filter_map(|example| example_text(&failure.kind, example));
    let texts = std::iter::once(failure_sentence(failure, workers)).chain(further);
    texts.collect::<Vec<_>>().join("; also")
}

fn origin(origin: FailureOrigin) -> &'static str {
    match origin {
        FailureOrigin::Target => "target",
        FailureOrigin::Network => "network",
        FailureOrigin::Harness => "harness",
    }
}

/// Names the workers that counted a failure: `all`, or the first ones.
fn worker_names(failure: &FailureSummary, workers: usize) -> String {
    let names = &failure.workers;
    if names.len() == workers && workers > 1 {
        return "all".to_owned();
    }
    let mut text = names[..names.len().min(MAX_WORKERS)].join(", ");
    if let Some(more @ 1..) = names.len().checked_sub(MAX_WORKERS) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// Returns the table of new sockets after each event, in slices of time.
pub(super) fn arrivals(summary: &Summary) -> PageTable {
    let balance = summary.balance.iter();
    let events = balance.flat_map(|balance| &balance.per_event);
    let slices = events.flat_map(|event| event.arrivals.iter().map(move |slice| (event, slice)));
    let rows = slices.map(|(event, slice)| {
        let from = format::significant(slice.from_s);
        let slice_text = format!("{from} to {}", format::seconds(slice.to_s));
        row([event_title(event), slice_text, by_node_text(&slice.by_node)])
    });
    let head = ["", "time after the event", "new sockets of each node"];
    table(
        "New sockets over time after each event",
        head,
        rows.collect(),
    )
}

/// Returns the table of the machine and the versions.
pub(super) fn machine(manifest: &Manifest) -> PageTable {
    let host = &manifest.host;
    let properties = [
        ("CPU cores", host.cpus.map(|cpus| cpus.to_string())),
        ("CPU model", host.cpu_model.clone()),
        (
            "memory",
            host.memory_bytes.map(|bytes| format::size(bytes as f64)),
        ),
        ("operating system", host.os.clone()),
        (
            "open files per process",
            host.open_files_limit.map(format::count),
        ),
        ("workers", Some(manifest.workers.to_string())),
        ("seed", Some(manifest.plan.seed.to_string())),
    ];
    let properties =
        properties.map(|(name, value)| row([name.to_owned(), value.unwrap_or_else(missing)]));
    let versions = manifest.versions.iter();
    let versions = versions.map(|(name, version)| row([name.clone(), version.clone()]));
    table(
        "",
        ["", ""],
        properties.into_iter().chain(versions).collect(),
    )
}

fn observed_row(process: &str, name: &str, metric: &ObservedMetric) -> TableRow {
    let unit = match metric.per_second {
        true => Unit::PerSecond,
        false => Unit::Count,
    };
    row([
        format!("{process}: {name}"),
        value(unit, metric.min),
        value(unit, metric.mean),
        value(unit, metric.max),
        value(unit, metric.last),
        value(unit, metric.growth_per_hour),
    ])
}

fn ledger_row(line: &LedgerLine) -> TableRow {
    let side = |side: &LedgerSide| match side.count {
        Some(count) => format!("{} {}", side.who, format::count(count)),
        None => format!("{}: not measured", side.who),
    };
    let difference = line.difference.map(|by| format::count(by.unsigned_abs()));
    // The class colours the row as a gate of the same outcome.
    let (class, verdict) = match (line.verdict, &line.note) {
        (Agreement::Agrees, _) => ("passed", "agrees".to_owned()),
        (Agreement::Differs, _) => ("failed", "differs".to_owned()),
        (Agreement::Unknown, None) => ("inconclusive", "unknown".to_owned()),
        (Agreement::Unknown, Some(note)) => ("inconclusive", format!("unknown: {note}")),
        (Agreement::Unmeasured, _) => ("", "not measured".to_owned()),
    };
    TableRow {
        class,
        cells: vec![
            line.what.clone(),
            side(&line.left),
            side(&line.right),
            difference.unwrap_or_default(),
            format::count(line.unsure),
            verdict,
        ],
    }
}
