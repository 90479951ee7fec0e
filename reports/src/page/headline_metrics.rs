//! Which figures stand at the head of the page, and what is said beside each.

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

use crate::{
    summary::{Distribution, Summary},
    unit_format::with_unit as display,
};

/// A figure by its path, with the part of the summary that it stands for.
pub(super) struct HeadlineMetric {
    pub(super) label: &'static str,
    pub(super) path: &'static str,
    /// Gates on figures that begin like this belong to it.
    pub(super) gates: &'static [&'static str],
    pub(super) notes: Vec<String>,
}

/// Sockets, connects, heartbeats, commands, messages, readings, what they cost and
/// how sockets lie.
pub(super) fn headline_metrics(summary: &Summary) -> Vec<HeadlineMetric> {
    let all = [
        Some(sockets(summary)),
        Some(connects(summary)),
        Some(heartbeats(summary)),
        commands(summary),
        messages(summary),
        telemetry(summary),
        backplane(summary),
        memory(summary),
        cost(summary),
        balance(summary),
    ];
    all.into_iter().flatten().collect()
}

fn sockets(summary: &Summary) -> HeadlineMetric {
    let sockets = &summary.sockets;
    let asked = format!(
        "{} of {} asked for were opened",
        format::count(sockets.opened),
        format::count(sockets.requested)
    );
    let nodes = sockets
        .server_open_peak
        .map(|peak| format!("the nodes counted {}", format::count(peak)));
    HeadlineMetric {
        label: "sockets open at once",
        path: "sockets.open_peak",
        gates: &["sockets."],
        notes: [Some(asked), nodes].into_iter().flatten().collect(),
    }
}

fn connects(summary: &Summary) -> HeadlineMetric {
    let sockets = &summary.sockets;
    let rate = sockets
        .connect_rate_per_s
        .map(|rate| format!("{} sockets opened a second", format::significant(rate)));
    let median = sockets
        .connect_ms
        .p50
        .map(|p50| format!("p50 {}", format::millis(p50)));
    HeadlineMetric {
        label: "time to connect, p99",
        path: "sockets.connect.p99",
        gates: &["sockets.connect"],
        notes: [median, rate].into_iter().flatten().collect(),
    }
}

fn heartbeats(summary: &Summary) -> HeadlineMetric {
    let heartbeats = &summary.heartbeats;
    let times = times(&heartbeats.response_ms, &heartbeats.service_ms);
    let counts = format!(
        "{} due, {} missed, {} late",
        format::count(heartbeats.due),
        format::count(heartbeats.missed),
        format::count(heartbeats.late)
    );
    HeadlineMetric {
        label: "heartbeat response, p99",
        path: "heartbeats.response.p99",
        gates: &["heartbeats."],
        notes: times.into_iter().chain([counts]).collect(),
    }
}

fn messages(summary: &Summary) -> Option<HeadlineMetric> {
    let messages = summary.messages.as_ref()?;
    let times = times(&messages.latency_ms, &messages.service_ms);
    let counts = format!(
        "{} deliveries, {} lost, {} duplicated, {} reordered",
        format::count(messages.delivered),
        format::count(messages.lost),
        format::count(messages.duplicated),
        format::count(messages.reordered)
    );
    Some(HeadlineMetric {
        label: "message latency, p99",
        path: "messages.latency.p99",
        gates: &["messages."],
        notes: times.into_iter().chain([counts]).collect(),
    })
}

fn telemetry(summary: &Summary) -> Option<HeadlineMetric> {
    let readings = summary.telemetry.as_ref()?;
    let times = times(&readings.response_ms, &readings.service_ms);
    let accepted = format!(
        "{} of {} due were accepted",
        format::count(readings.accepted),
        format::count(readings.due)
    );
    let handled = readings.handled.zip(readings.duplicated);
    let handled = handled.map(|(handled, again)| {
        let lost = readings
            .lost
            .map_or_else(|| "an unknown number".to_owned(), format::count);
        format!(
            "{} handled, {} of them again, {lost} lost",
            format::count(handled),
            format::count(again)
        )
    });
    Some(HeadlineMetric {
        label: "telemetry accepted, p99",
        path: "telemetry.response.p99",
        gates: &["telemetry."],
        notes: times.into_iter().chain([accepted]).chain(handled).collect(),
    })
}

/// Of each command, where nothing but commands crosses.
fn backplane(summary: &Summary) -> Option<HeadlineMetric> {
    let backplane = summary.backplane.as_ref()?;
    let sent = backplane
        .sent
        .map(|sent| format!("{} in all", format::count(sent)));
    let busy = summary.cpu_cores.broker.map(|share| {
        format!(
            "the broker kept {} % of a CPU core busy",
            format::significant(share * 100.0)
        )
    });
    Some(HeadlineMetric {
        label: "messages between the nodes for each command",
        path: "backplane.sent_per_command",
        gates: &["backplane.", "cpu_cores."],
        notes: sent.into_iter().chain(busy).collect(),
    })
}

fn commands(summary: &Summary) -> Option<HeadlineMetric> {
    let commands = summary.commands.as_ref()?;
    let times = times(&commands.response_ms, &commands.service_ms);
    let counts = format!(
        "{} of {} due were replied",
        format::count(commands.replied),
        format::count(commands.due)
    );
    Some(HeadlineMetric {
        label: "command response, p99",
        path: "commands.response.p99",
        gates: &["commands."],
        notes: times.into_iter().chain([counts]).collect(),
    })
}

/// The usual answer, and the slow one as it looks from the sending on.
fn times(response: &Distribution, service: &Distribution) -> Option<String> {
    let (p50, service) = response.p50.zip(service.p99)?;
    Some(format!(
        "p50 {}; service p99 {}",
        format::millis(p50),
        format::millis(service)
    ))
}

fn memory(summary: &Summary) -> Option<HeadlineMetric> {
    let heap = summary.cost_per_socket.node_heap;
    let fit = summary.cost_per_socket.node_rss?;
    let interval = format!(
        "95 % between {} and {}",
        format::size(fit.low),
        format::size(fit.high)
    );
    let heap = heap.map(|heap| format!("of heap {}", format::size(heap.value)));
    Some(HeadlineMetric {
        label: "node memory per socket",
        path: "cost_per_socket.node_rss",
        gates: &["cost_per_socket."],
        notes: [Some(interval), heap].into_iter().flatten().collect(),
    })
}

/// Of the kernel's memory, which no process shows.
fn cost(summary: &Summary) -> Option<HeadlineMetric> {
    let fit = summary.cost_per_socket.kernel?;
    Some(HeadlineMetric {
        label: "kernel memory per socket end",
        path: "cost_per_socket.kernel",
        gates: &[],
        notes: vec![format!(
            "95 % between {} and {}",
            format::size(fit.low),
            format::size(fit.high)
        )],
    })
}

fn balance(summary: &Summary) -> Option<HeadlineMetric> {
    let balance = summary
        .balance
        .as_ref()
        .filter(|_| summary.nodes.len() > 1)?;
    let policy = balance
        .policy
        .as_ref()
        .zip(balance.balancer.as_ref())
        .map(|(policy, balancer)| format!("{policy}, balancer {balancer}"));
    let longest = balance
        .per_event
        .iter()
        .filter_map(|event| event.settled_after_s);
    let longest = longest
        .max_by(f64::total_cmp)
        .filter(|&seconds| seconds > 0.0);
    let settled = longest.map(|seconds| {
        format!(
            "recovered within {} of an event",
            format::seconds(seconds.ceil())
        )
    });
    let herding = balance.herding.as_ref().map(|herding| {
        format!(
            "at most {} of a tenth of a second's openings at one node",
            display(Unit::Share, herding.share)
        )
    });
    Some(HeadlineMetric {
        label: "fullest node over the mean, at the end",
        path: "balance.max_over_mean_at_end",
        gates: &["balance."],
        notes: policy.into_iter().chain(settled).chain(herding).collect(),
    })
}
