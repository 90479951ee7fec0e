//! Tables of processes and of the machine.

use super::table::{Row, Table, missing, number, row, size, table, time};
use crate::{
    human,
    record::Manifest,
    summary::{Process, Summary},
};

/// Nodes, broker, balancer and workers, those that there are.
pub(super) fn processes(summary: &Summary) -> Vec<Table> {
    let brokers = summary.broker.iter();
    let brokers: Vec<Process> = brokers.map(|broker| broker.process.clone()).collect();
    let balancers = summary.balancer.iter();
    let balancers: Vec<Process> = balancers.map(|balancer| balancer.process.clone()).collect();
    let of_system = [
        ("Nodes", &summary.nodes),
        ("Broker", &brokers),
        ("Consumers", &summary.consumers),
        ("Balancer", &balancers),
    ];
    let mut tables: Vec<Table> = of_system
        .into_iter()
        .filter(|(_, processes)| !processes.is_empty())
        .map(|(caption, processes)| Table {
            rows: processes.iter().map(process).collect(),
            ..table(
                caption,
                [
                    "",
                    "sockets, most",
                    "at the end",
                    "resident, most",
                    "heap, most",
                    "open files, most",
                    "processor",
                    "restarts",
                    "exit code",
                ],
            )
        })
        .collect();
    let workers = summary.workers.iter().map(|worker| {
        row([
            worker.id.clone(),
            human::count(worker.sockets_peak),
            size(worker.rss_peak),
            number(worker.open_files_peak),
            time(worker.cpu_s),
            worker.send_lag_ms.p99.map_or_else(missing, human::millis),
        ])
    });
    tables.push(Table {
        rows: workers.collect(),
        ..table(
            "Workers",
            [
                "",
                "sockets, most",
                "resident, most",
                "open files, most",
                "processor",
                "send lag p99",
            ],
        )
    });
    tables
}

/// Where the run was made, and with which versions.
pub(super) fn machine(manifest: &Manifest) -> Table {
    let host = &manifest.host;
    let known = [
        ("processors", host.cpus.map(|cpus| cpus.to_string())),
        ("processor", host.cpu_model.clone()),
        (
            "memory",
            host.memory_bytes.map(|bytes| human::bytes(bytes as f64)),
        ),
        ("system", host.os.clone()),
        (
            "open files of one process",
            host.open_files_limit.map(human::count),
        ),
        ("workers", Some(manifest.workers.to_string())),
        ("seed", Some(manifest.plan.seed.to_string())),
    ];
    let known = known.map(|(name, value)| row([name.to_owned(), value.unwrap_or_else(missing)]));
    let versions = manifest.versions.iter();
    let versions = versions.map(|(name, version)| row([name.clone(), version.clone()]));
    Table {
        rows: known.into_iter().chain(versions).collect(),
        ..table("", ["", ""])
    }
}

fn process(process: &Process) -> Row {
    row([
        process.id.clone(),
        number(process.sockets_peak),
        number(process.sockets_at_end),
        size(process.rss_peak),
        size(process.heap_peak),
        number(process.open_files_peak),
        time(process.cpu_s),
        number(process.restarts.map(u64::from)),
        process
            .exit_code
            .map_or_else(missing, |code| code.to_string()),
    ])
}
