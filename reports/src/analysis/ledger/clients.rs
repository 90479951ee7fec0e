//! Clients and nodes.

use super::{CountPair, family_total, incomplete_reason, ledger_side, lost_sockets, role_total};
use crate::{
    analysis::run_window::RunWindow,
    record::{
        SourceRole,
        names::{counter, gauge},
    },
    summary::Summary,
};

/// Frames that may wait for one socket at a reference node; what waits when it is
/// lost never comes.
const WRITE_QUEUE_FRAMES: u64 = 256;

/// What clients count and nodes do.
pub(super) fn pairs(cut: &RunWindow, summary: &Summary) -> Vec<CountPair> {
    let doubt = incomplete_reason(cut);
    let pair = |what, clients: (&str, u64), nodes: (&str, &str), unsure| {
        let (left, right) = (
            ledger_side(clients.0, Some(clients.1)),
            ledger_side(nodes.0, role_total(cut, SourceRole::Node, nodes.1)),
        );
        CountPair::new(what, left, right, unsure).with_incomplete(doubt.as_deref())
    };
    let count = |name| cut.counter_total(name);
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
            family_total(cut, counter::CONNECT_FAILED),
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
                lost_sockets * WRITE_QUEUE_FRAMES,
            ),
        ]);
    }
    pairs
}
