//! Tables of who holds how many sockets, and of what events did to that.

use std::collections::BTreeMap;

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

use super::table::{PageTable, TableRow, missing, number, row, size, table, time};
use crate::{
    analysis::processes::natural_sort_key,
    record::action_title,
    summary::{
        AfterEvent, Balance, BalancerSummary, Detection, NodeLoadSummary, ReconnectStorm, Summary,
    },
    unit_format::with_unit as display,
};

/// Those for which something was measured.
pub(super) fn tables(summary: &Summary) -> Vec<PageTable> {
    let balance = summary.balance.iter();
    let of_balance = balance.flat_map(|balance| {
        [
            before_drain(balance),
            loads(&balance.nodes),
            events(&balance.per_event),
            arrivals(&balance.per_event),
            storms(&balance.per_event),
            detections(&balance.per_event),
        ]
    });
    let balancers = [balancers(&summary.balancers)];
    of_balance
        .chain(balancers)
        .filter(|table| !table.rows.is_empty())
        .collect()
}

/// `n1 20, n2 31`, in the order of the names.
fn by_node(counts: &BTreeMap<String, u64>) -> String {
    let mut counts: Vec<(&String, &u64)> = counts.iter().collect();
    counts.sort_by_cached_key(|(id, _)| natural_sort_key(id));
    let counts = counts
        .into_iter()
        .map(|(id, count)| format!("{id} {}", format::count(*count)));
    counts.collect::<Vec<_>>().join(", ")
}

fn before_drain(balance: &Balance) -> PageTable {
    let herding = balance.herding.as_ref().map(|herding| {
        format!(
            "{} of {} at {}, at {}",
            display(Unit::Share, herding.share),
            herding.arrivals,
            herding.node,
            format::seconds(herding.at_s)
        )
    });
    let rows = [
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
        (
            "longest time that connections to a dead node failed",
            time(balance.longest_failed_connects_s),
        ),
        (
            "most of a tenth of a second's openings at one node",
            herding.unwrap_or_else(missing),
        ),
    ];
    PageTable {
        rows: rows
            .map(|(name, value)| row([name.to_owned(), value]))
            .into(),
        ..table("Balance before the drain", ["", ""])
    }
}

fn loads(nodes: &[NodeLoadSummary]) -> PageTable {
    let cells = |node: &NodeLoadSummary| {
        let commands = &node.commands_ms;
        row([
            node.id.clone(),
            format::count(node.sockets),
            display(Unit::Ratio, node.over_mean),
            size(node.heap),
            size(node.rss),
            share(node.cpu_cores),
            commands.p50.map_or_else(missing, format::millis),
            commands.p99.map_or_else(missing, format::millis),
        ])
    };
    PageTable {
        rows: nodes.iter().map(cells).collect(),
        ..table(
            "What each node carried",
            [
                "",
                "sockets",
                "over the mean",
                "heap",
                "resident",
                "CPU cores",
                "its commands, p50",
                "p99",
            ],
        )
    }
}

fn events(events: &[AfterEvent]) -> PageTable {
    let cells = |event: &AfterEvent| {
        let evenness = event.evenness;
        row([
            title(event),
            by_node(&event.new_sockets_by_node),
            time(event.settled_after_s),
            time(event.balanced_after_s),
            ratio(evenness.map(|evenness| evenness.max_over_mean)),
            ratio(evenness.map(|evenness| evenness.min_over_mean)),
            share(event.herding.as_ref().map(|herding| herding.share)),
        ])
    };
    PageTable {
        rows: events.iter().map(cells).collect(),
        ..table(
            "After each event",
            [
                "event",
                "new sockets",
                "short of sockets for",
                "uneven for",
                "fullest over the mean",
                "emptiest",
                "most of a tenth of a second",
            ],
        )
    }
}

fn arrivals(events: &[AfterEvent]) -> PageTable {
    let pieces = events
        .iter()
        .flat_map(|event| event.arrivals.iter().map(move |piece| (event, piece)));
    let rows = pieces.map(|(event, piece)| {
        row([
            title(event),
            format!(
                "{} to {}",
                format::significant(piece.from_s),
                format::seconds(piece.to_s)
            ),
            by_node(&piece.by_node),
        ])
    });
    PageTable {
        rows: rows.collect(),
        ..table(
            "Openings after each event",
            ["event", "time after it", "sockets opened at"],
        )
    }
}

fn storms(events: &[AfterEvent]) -> PageTable {
    let rows = events.iter().filter_map(|event| {
        let storm: &ReconnectStorm = event.storm.as_ref()?;
        Some(row([
            title(event),
            format::count(storm.lost),
            format::count(storm.back),
            time(storm.t50_s),
            time(storm.t95_s),
            time(storm.t99_s),
            number(storm.peak_handshakes_per_s),
            format::count(storm.failed_attempts),
            number(storm.commands_failed),
        ]))
    });
    PageTable {
        rows: rows.collect(),
        ..table(
            "Sockets lost and back",
            [
                "event",
                "lost",
                "back",
                "half after",
                "95 %",
                "99 %",
                "handshakes in a second at one node",
                "failed attempts",
                "commands failed",
            ],
        )
    }
}

fn detections(events: &[AfterEvent]) -> PageTable {
    let rows = events.iter().filter_map(|event| {
        let Detection {
            clients_s,
            failed_connects_after_s,
            balancers_s,
            nodes_s,
            commands_s,
        } = event.detection.clone()?;
        let times = [
            clients_s,
            failed_connects_after_s,
            balancers_s,
            nodes_s,
            commands_s,
        ]
        .map(time);
        Some(TableRow {
            class: "",
            cells: [title(event)].into_iter().chain(times).collect(),
        })
    });
    PageTable {
        rows: rows.collect(),
        ..table(
            "Failure detection time",
            [
                "event",
                "clients",
                "new connections",
                "balancers",
                "other nodes",
                "callers",
            ],
        )
    }
}

fn balancers(balancers: &[BalancerSummary]) -> PageTable {
    let cells = |balancer: &BalancerSummary| {
        let cpu = balancer.cpu_us_per_socket_s;
        let held = balancer.sockets_by_node_at_end.as_ref();
        row([
            balancer.process.id.clone(),
            number(balancer.process.sockets_peak),
            number(balancer.process.sockets_at_end),
            number(balancer.pending_peak),
            held.map_or_else(missing, by_node),
            cpu.map_or_else(missing, |us| format!("{} µs", format::significant(us))),
        ])
    };
    PageTable {
        rows: balancers.iter().map(cells).collect(),
        ..table(
            "What each balancer forwarded, by its own count",
            [
                "",
                "sockets, most",
                "at the end",
                "not open yet, most",
                "to each node at the end",
                "CPU time for a socket and second",
            ],
        )
    }
}

fn title(event: &AfterEvent) -> String {
    format!(
        "{} at {}",
        action_title(&event.event, &event.node),
        format::seconds((event.at_s * 10.0).round() / 10.0)
    )
}

fn ratio(value: Option<f64>) -> String {
    value.map_or_else(missing, |value| display(Unit::Ratio, value))
}

fn share(value: Option<f64>) -> String {
    value.map_or_else(missing, |value| display(Unit::Share, value))
}
