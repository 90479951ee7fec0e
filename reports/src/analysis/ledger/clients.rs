//! Counts of the clients and of the nodes.

use super::{
    ClientCounts, CountPair,
    counts::{incomplete_reason, role_total},
};
use crate::{
    analysis::run_window::RunWindow,
    record::{
        SourceRole,
        names::{counter, gauge},
    },
};

/// Frames that may wait for one socket at a reference node. They are lost with the socket.
const WRITE_QUEUE_FRAMES: u64 = 256;

/// Returns one pair for each thing that clients and nodes count.
pub(super) fn pairs(window: &RunWindow, counts: &ClientCounts) -> Vec<CountPair> {
    let incomplete = incomplete_reason(window);
    let pair = |what, clients: (&str, u64), nodes: (&str, &str), unsure| {
        let left = (clients.0, Some(clients.1));
        let right = (nodes.0, role_total(window, SourceRole::Node, nodes.1));
        CountPair::new(what, left, right, unsure).with_incomplete(incomplete.as_deref())
    };
    let count = |name| window.counter_total(name);
    // A lost socket may have had one ping and one pong on its way.
    let lost_sockets = window.family_total(counter::DISCONNECT);
    let heartbeats = counts.heartbeats;
    // A device confirms its subscriptions by a ping of its own.
    let requested = count(counter::SUBSCRIPTIONS_ASKED);
    let confirmed = count(counter::SUBSCRIPTIONS_CONFIRMED);
    let opened = count(counter::SOCKETS_OPENED) + count(counter::SOCKETS_REOPENED);
    let mut pairs = vec![
        pair(
            "sockets",
            ("clients opened", opened),
            ("nodes accepted", gauge::SOCKETS_ACCEPTED),
            // A node may accept a socket after the client gave up waiting for it.
            window.family_total(counter::CONNECT_FAILED),
        ),
        pair(
            "pings",
            ("clients sent", heartbeats.sent + requested),
            ("nodes received", gauge::PINGS_RECEIVED),
            heartbeats.missed + lost_sockets,
        ),
        pair(
            "pongs",
            ("clients received", heartbeats.acknowledged + confirmed),
            ("nodes sent", gauge::PONGS_SENT),
            // A pong may come too late to acknowledge, or be lost with its socket.
            heartbeats.due.saturating_sub(heartbeats.acknowledged)
                + requested.saturating_sub(confirmed)
                + lost_sockets,
        ),
    ];
    if let Some(commands) = counts.commands {
        // A node may or may not have received these; all other outcomes prove that it did.
        let unsure = commands.timed_out + commands.failed + commands.lost;
        pairs.extend([
            pair(
                "commands",
                ("clients issued", commands.issued),
                ("nodes accepted", gauge::COMMANDS_TAKEN),
                unsure,
            ),
            pair(
                "replies",
                ("clients received", commands.replied),
                ("nodes sent", gauge::COMMANDS_ANSWERED),
                unsure,
            ),
        ]);
    }
    if let Some(messages) = counts.messages {
        pairs.extend([
            pair(
                "messages",
                ("clients published", messages.published),
                ("nodes accepted", gauge::MESSAGES_TAKEN),
                messages.unconfirmed,
            ),
            pair(
                "deliveries of messages",
                ("clients received", count(counter::MESSAGES_RECEIVED)),
                ("nodes sent", gauge::MESSAGES_HANDED_OUT),
                lost_sockets * WRITE_QUEUE_FRAMES,
            ),
        ]);
    }
    pairs
}
