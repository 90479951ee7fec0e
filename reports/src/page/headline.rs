//! The figures that one looks at first.

use serde::Serialize;

use crate::{human, summary::Summary};

/// A figure at the head of the page.
#[derive(Debug, Serialize)]
pub(super) struct Headline {
    label: &'static str,
    value: String,
    note: String,
}

/// Sockets, their cost, heartbeats, commands; what was not measured is left
/// out.
pub(super) fn headlines(summary: &Summary) -> Vec<Headline> {
    let all = [
        Some(sockets(summary)),
        cost(summary),
        heartbeats(summary),
        commands(summary),
    ];
    all.into_iter().flatten().collect()
}

fn sockets(summary: &Summary) -> Headline {
    let sockets = &summary.sockets;
    let nodes = match sockets.server_open_peak {
        Some(peak) => format!("; most at the nodes {}", human::count(peak)),
        None => String::new(),
    };
    Headline {
        label: "sockets open at once",
        value: human::count(sockets.open_peak),
        note: format!(
            "{} of {} opened{nodes}",
            human::count(sockets.opened),
            human::count(sockets.requested)
        ),
    }
}

fn cost(summary: &Summary) -> Option<Headline> {
    let fit = summary.cost_per_socket.node_rss?;
    Some(Headline {
        label: "of a node's memory per socket",
        value: human::bytes(fit.value),
        note: format!(
            "95 % between {} and {}",
            human::bytes(fit.low),
            human::bytes(fit.high)
        ),
    })
}

fn heartbeats(summary: &Summary) -> Option<Headline> {
    let heartbeats = &summary.heartbeats;
    Some(Headline {
        label: "heartbeat response p99",
        value: human::millis(heartbeats.response_ms.p99?),
        note: format!(
            "{} due, {} missed, {} late",
            human::count(heartbeats.due),
            human::count(heartbeats.missed),
            human::count(heartbeats.late)
        ),
    })
}

fn commands(summary: &Summary) -> Option<Headline> {
    let commands = summary.commands.as_ref()?;
    Some(Headline {
        label: "command response p99",
        value: human::millis(commands.response_ms.p99?),
        note: format!(
            "{} of {} replied",
            human::count(commands.replied),
            human::count(commands.issued)
        ),
    })
}
