//! Tables of processes and of the machine.

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

use super::table::{PageTable, TableRow, missing, number, row, size, table, time};
use crate::{
    record::Manifest,
    summary::{ProcessSummary, Summary},
    unit_format::with_unit as display,
};

/// A figure of a process: its title, and how it is written where there is one.
type ProcessColumn = (&'static str, fn(&ProcessSummary) -> Option<String>);

const COLUMNS: [ProcessColumn; 8] = [
    ("sockets, most", |process| {
        process.sockets_peak.map(format::count)
    }),
    ("at the end", |process| {
        process.sockets_at_end.map(format::count)
    }),
    ("resident, most", |process| process.rss_peak.map(bytes)),
    ("heap, most", |process| process.heap_peak.map(bytes)),
    ("open files, most", |process| {
        process.open_files_peak.map(format::count)
    }),
    ("CPU time", |process| process.cpu_s.map(format::seconds)),
    ("restarts", |process| {
        process.restarts.map(|n| format::count(n.into()))
    }),
    ("exit code", |process| {
        process.exit_code.map(|code| code.to_string())
    }),
];

/// Nodes, broker, consumers, balancer and workers, those that there are.
pub(super) fn processes(summary: &Summary) -> Vec<PageTable> {
    let brokers = summary.brokers.iter();
    let brokers: Vec<ProcessSummary> = brokers.map(|broker| broker.process.clone()).collect();
    let balancers = summary.balancers.iter();
    let balancers: Vec<ProcessSummary> =
        balancers.map(|balancer| balancer.process.clone()).collect();
    let of_system = [
        ("Nodes", &summary.nodes),
        ("Broker", &brokers),
        ("Consumers", &summary.consumers),
        ("Balancer", &balancers),
    ];
    let of_system = of_system
        .into_iter()
        .filter(|(_, processes)| !processes.is_empty())
        .map(|(caption, processes)| process_table(caption, processes));
    of_system.chain([workers(summary)]).collect()
}

/// What none of them shows has no column.
fn process_table(caption: &'static str, processes: &[ProcessSummary]) -> PageTable {
    let shown = |(_, of): &&ProcessColumn| processes.iter().any(|process| of(process).is_some());
    let shown: Vec<&ProcessColumn> = COLUMNS.iter().filter(shown).collect();
    let titles = shown.iter().map(|(title, _)| (*title).to_owned());
    let row = |process: &ProcessSummary| {
        let figures = shown
            .iter()
            .map(|(_, of)| of(process).unwrap_or_else(missing));
        TableRow {
            class: "",
            cells: [process.id.clone()].into_iter().chain(figures).collect(),
        }
    };
    PageTable {
        caption,
        head: [String::new()].into_iter().chain(titles).collect(),
        rows: processes.iter().map(row).collect(),
    }
}

fn workers(summary: &Summary) -> PageTable {
    let workers = summary.workers.iter().map(|worker| {
        row([
            worker.id.clone(),
            format::count(worker.sockets_peak),
            size(worker.rss_peak),
            number(worker.open_files_peak),
            time(worker.cpu_s),
            worker.send_lag_ms.p99.map_or_else(missing, format::millis),
        ])
    });
    PageTable {
        rows: workers.collect(),
        ..table(
            "Workers",
            [
                "",
                "sockets, most",
                "resident, most",
                "open files, most",
                "CPU time",
                "send lag p99",
            ],
        )
    }
}

/// How busy they were, all of a kind together; none where nobody tells.
pub(super) fn cpu_cores(summary: &Summary) -> Option<PageTable> {
    let busy = &summary.cpu_cores;
    let kinds = [
        ("nodes", busy.nodes),
        ("broker", busy.broker),
        ("balancers", busy.balancers),
        ("workers", busy.workers),
    ];
    let known = kinds
        .into_iter()
        .filter_map(|(kind, share)| Some(row([kind.to_owned(), display(Unit::Share, share?)])));
    let rows: Vec<TableRow> = known.collect();
    (!rows.is_empty()).then(|| PageTable {
        rows,
        ..table(
            "CPU cores kept busy, steady phase; 100 % is one core",
            ["", ""],
        )
    })
}

/// Where the run was made, and with which versions.
pub(super) fn machine(manifest: &Manifest) -> PageTable {
    let host = &manifest.host;
    let known = [
        ("CPU cores", host.cpus.map(|cpus| cpus.to_string())),
        ("CPU model", host.cpu_model.clone()),
        (
            "memory",
            host.memory_bytes.map(|bytes| format::size(bytes as f64)),
        ),
        ("system", host.os.clone()),
        (
            "open files of one process",
            host.open_files_limit.map(format::count),
        ),
        ("workers", Some(manifest.workers.to_string())),
        ("seed", Some(manifest.plan.seed.to_string())),
    ];
    let known = known.map(|(name, value)| row([name.to_owned(), value.unwrap_or_else(missing)]));
    let versions = manifest.versions.iter();
    let versions = versions.map(|(name, version)| row([name.clone(), version.clone()]));
    PageTable {
        rows: known.into_iter().chain(versions).collect(),
        ..table("", ["", ""])
    }
}

fn bytes(value: u64) -> String {
    format::size(value as f64)
}
