//! The page's tables.

use serde::Serialize;

use crate::{
    analysis::{cut::Cut, failures},
    human,
    record::Manifest,
    summary::{Distribution, Fit, GateOutcome, Process, Summary},
    text,
};

/// A table of text. Columns after the first are figures.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    caption: &'static str,
    head: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    /// For the style sheet: a verdict, or nothing.
    class: &'static str,
    cells: Vec<String>,
}

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
    tables
}

/// Nodes, broker, balancer and workers, those that there are.
pub(super) fn processes(summary: &Summary) -> Vec<Table> {
    let of_system = [
        ("Nodes", &summary.nodes),
        ("Broker", &summary.broker),
        ("Balancer", &summary.balancer),
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

/// How evenly sockets lie, and where new ones went after each event.
pub(super) fn balance(summary: &Summary) -> Vec<Table> {
    let Some(balance) = &summary.balance else {
        return Vec::new();
    };
    let ratio = |value: Option<f64>| value.map_or_else(missing, human::significant);
    let evenness = [
        ("policy", balance.policy.clone().unwrap_or_else(missing)),
        ("balancer", balance.balancer.clone().unwrap_or_else(missing)),
        (
            "fullest node over the mean",
            ratio(balance.max_over_mean_at_end),
        ),
        (
            "emptiest node over the mean",
            ratio(balance.min_over_mean_at_end),
        ),
        ("Jain's index", ratio(balance.jain_at_end)),
    ];
    let events = balance.per_event.iter().map(|event| {
        let new = event.new_sockets_by_node.iter();
        let new: Vec<String> = new
            .map(|(id, n)| format!("{id} {}", human::count(*n)))
            .collect();
        row([
            format!(
                "{} {} at {}",
                event.event,
                event.node,
                human::seconds(event.at_s)
            ),
            new.join(", "),
            time(event.settled_after_s),
        ])
    });
    let events: Vec<Row> = events.collect();
    let mut tables = vec![Table {
        rows: evenness
            .map(|(name, value)| row([name.to_owned(), value]))
            .into(),
        ..table("Balance before the drain", ["", ""])
    }];
    if !events.is_empty() {
        tables.push(Table {
            rows: events,
            ..table(
                "After each event",
                ["event", "new sockets", "settled after"],
            )
        });
    }
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

fn table<const N: usize>(caption: &'static str, head: [&str; N]) -> Table {
    Table {
        caption,
        head: head.map(str::to_owned).into(),
        rows: Vec::new(),
    }
}

fn row<const N: usize>(cells: [String; N]) -> Row {
    Row {
        class: "",
        cells: cells.into(),
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
    ])
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

fn number(value: Option<u64>) -> String {
    value.map_or_else(missing, human::count)
}

fn size(value: Option<u64>) -> String {
    value.map_or_else(missing, |value| human::bytes(value as f64))
}

fn time(value: Option<f64>) -> String {
    value.map_or_else(missing, human::seconds)
}

/// Not measured, which is not zero.
fn missing() -> String {
    "–".to_owned()
}
