//! Clients and nodes.

use super::{Pair, doubt, lost_sockets, of_family, side, total};
use crate::{
    analysis::run_window::Cut,
    record::{
        Role,
        names::{counter, gauge},
    },
    summary::Summary,
};

/// Frames that may wait for one socket at a reference node; what waits when it is
/// lost never comes.
const OUTBOX_FRAMES: u64 = 256;

/// What clients count and nodes do.
pub(super) fn pairs(cut: &Cut, summary: &Summary) -> Vec<Pair> {
    let doubt = doubt(cut);
    let pair = |what, clients: (&str, u64), nodes: (&str, &str), unsure| {
        let (left, right) = (
            side(clients.0, Some(clients.1)),
            side(nodes.0, total(cut, Role::Node, nodes.1)),
        );
        Pair::new(what, left, right, unsure).with_doubt(doubt.as_deref())
    };
    let count = |name| cut.count(name);
    let lost_sockets = lost_sockets(cut);
    let heartbeats = &summary.heartbeats;
    let asked = count(counter::SUBSCRIPTIONS_ASKED);
    let confirmed = count(counter::SUBSCRIPTIONS_CONFIRMED);
    let opened = count(counter::SOCKETS_OPENED) + count(counter::SOCKETS_REOPENED);
    let mut pairs = vec![
        pair(
            "sockets",
            ("clients opened", opened),
            ("nodes accepted", gauge::SOCKETS_ACCEPTED),
            // Accepted there, and given up here before the answer came.
            of_family(cut, counter::CONNECT_FAILED),
        ),
        pair(
            "pings",
            ("clients sent", heartbeats.sent + asked),
            ("nodes received", gauge::PINGS_RECEIVED),
            heartbeats.missed + lost_sockets,
        ),
        pair(
            "pongs",
            ("clients received", heartbeats.acknowledged + confirmed),
            ("nodes sent", gauge::PONGS_SENT),
            // Too late to be an acknowledgement, or with the socket gone.
            heartbeats.due.saturating_sub(heartbeats.acknowledged)
                + asked.saturating_sub(confirmed)
                + lost_sockets,
        ),
    ];
    if let Some(commands) = &summary.commands {
        let unsure = commands.timed_out + commands.failed + commands.lost;
        pairs.extend([
            pair(
                "commands",
                ("clients issued", commands.issued),
                ("nodes took", gauge::COMMANDS_TAKEN),
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
    if let Some(messages) = &summary.messages {
        pairs.extend([
            pair(
                "messages",
                ("clients published", messages.published),
                ("nodes took", gauge::MESSAGES_TAKEN),
                messages.unconfirmed,
            ),
            pair(
                "deliveries of messages",
                ("clients received", count(counter::MESSAGES_RECEIVED)),
                ("nodes handed out", gauge::MESSAGES_HANDED_OUT),
                lost_sockets * OUTBOX_FRAMES,
            ),
        ]);
    }
    pairs
}
