//! The counters of a record, each described once.

use super::description::{self, RecordMetric, RecordUnit, SeriesKind};
use crate::record::names::{conn_event, counter};

use RecordUnit::{Count, Millis};

/// All counters: name, unit, meaning.
#[rustfmt::skip]
pub(super) static COUNTERS: &[RecordMetric] = &[
    alone(counter::SOCKETS_DUE, Count, "sockets that were due to open"),
    alone(counter::SOCKETS_OPENED, Count, "sockets that opened for the first time"),
    alone(counter::SOCKETS_REOPENED, Count, "sockets that reconnected after they had been lost"),
    alone(counter::SOCKETS_COMPRESSED, Count, "openings of sockets whose server agreed to compression"),
    alone(counter::RETRIES_POSTPONED, Count, "attempts after a failed one that waited for their turn in the pool's budget"),
    alone(counter::RAMP_HELD_MS, Millis, "time for which a condition of the scenario held the ramp of a worker"),
    alone(counter::RAMP_FULL_MS, Millis, "time for which the ramp of a worker waited, because as many attempts were under way as it may have"),
    by("kind", counter::CONNECT_FAILED, Count, "failed attempts to open"),
    by("kind", counter::DISCONNECT, Count, "open sockets that ended otherwise than by the drain"),
    alone(counter::LOGINS_DUE, Count, "logins that began"),
    alone(counter::LOGINS_SUCCEEDED, Count, "logins that were answered with the expected status and all values"),
    alone(counter::LOGINS_FAILED, Count, "logins that failed"),
    by("kind", counter::LOGINS_FAILED, Count, "logins that failed"),
    alone(counter::LOGINS_RENEWED, Count, "logins after a handshake that was refused with 401 or 403"),
    alone(counter::HEARTBEATS_DUE, Count, "heartbeats due on open sockets"),
    alone(counter::HEARTBEATS_SENT, Count, "pings written"),
    alone(counter::HEARTBEATS_ACKNOWLEDGED, Count, "pings answered before the next was due"),
    alone(counter::HEARTBEATS_MISSED, Count, "heartbeats without an answer when the next was due or the socket ended"),
    alone(counter::HEARTBEATS_LATE, Count, "heartbeats acknowledged after more than a second"),
    alone(counter::HEARTBEATS_ONE_WAY, Count, "heartbeats sent for which the scenario expects no answer"),
    alone(counter::FRAMES_ANSWERED, Count, "frames of the server that an answer answered"),
    alone(counter::FRAMES_UNANSWERED, Count, "frames of the server that an answer is for and that got none, because a socket answers only so many in a second"),
    alone(counter::FRAMES_UNMATCHED, Count, "frames of the server that no part of the scenario is for"),
    alone(counter::COMMANDS_DUE, Count, "commands due"),
    alone(counter::COMMANDS_DROPPED, Count, "commands never sent, because too many were in flight"),
    alone(counter::COMMANDS_NO_DEVICE, Count, "commands never sent, because no device was connected"),
    alone(counter::COMMANDS_ISSUED, Count, "commands sent"),
    alone(counter::COMMANDS_REPLIED, Count, "commands answered with 2xx and the reply"),
    alone(counter::COMMANDS_TIMED_OUT, Count, "commands answered with 504, or not at all by the timeout"),
    alone(counter::COMMANDS_NOT_CONNECTED, Count, "commands answered with 404 or 409"),
    alone(counter::COMMANDS_REJECTED, Count, "commands answered with 429 or 503"),
    alone(counter::COMMANDS_FAILED, Count, "commands with any other status, a broken connection or a wrong reply"),
    by("kind", counter::COMMANDS_FAILED, Count, "commands with any other status, a broken connection or a wrong reply"),
    alone(counter::COMMANDS_SAME_NODE, Count, "replies whose call the node that owned the socket received"),
    alone(counter::COMMANDS_CROSS_NODE, Count, "replies whose call another node received"),
    alone(counter::TELEMETRY_DUE, Count, "telemetry records due"),
    alone(counter::TELEMETRY_SENT, Count, "telemetry records sent for the first time"),
    alone(counter::TELEMETRY_RESENT, Count, "times that a telemetry record was sent again"),
    alone(counter::TELEMETRY_ACCEPTED, Count, "telemetry records accepted, each counted once"),
    alone(counter::TELEMETRY_REJECTED, Count, "times that a telemetry record was rejected"),
    by("reason", counter::TELEMETRY_REJECTED, Count, "times that a telemetry record was rejected"),
    alone(counter::EXCHANGES_DUE, Count, "messages of devices due"),
    alone(counter::EXCHANGES_DROPPED, Count, "messages never sent, because too many were in flight or the drain began"),
    alone(counter::EXCHANGES_NO_DEVICE, Count, "messages never sent, because no device of the pool was connected"),
    alone(counter::EXCHANGES_SENT, Count, "messages that devices sent"),
    alone(counter::EXCHANGES_ANSWERED, Count, "messages that the expected frame answered"),
    alone(counter::EXCHANGES_REJECTED, Count, "messages that a frame of reject answered"),
    alone(counter::EXCHANGES_TIMED_OUT, Count, "messages without an answer by the timeout"),
    alone(counter::EXCHANGES_LOST, Count, "messages whose socket ended before their answer"),
    alone(counter::EXCHANGES_ONE_WAY, Count, "messages sent for which no answer is expected"),
    alone(counter::MESSAGES_SCHEDULED, Count, "messages due to be published"),
    alone(counter::MESSAGES_PUBLISHED, Count, "messages that the system accepted"),
    alone(counter::MESSAGES_DROPPED, Count, "messages never sent, because their publisher had no connection or the drain began"),
    alone(counter::MESSAGES_REJECTED, Count, "messages that the system rejected, so that no subscriber gets them"),
    alone(counter::MESSAGES_UNCONFIRMED, Count, "messages sent whose publication was not answered"),
    alone(counter::MESSAGES_RECEIVED, Count, "all messages that subscribers received, or that count_messages counted"),
    alone(counter::MESSAGES_DELIVERED, Count, "messages received for the first time that were due while the subscription counted"),
    alone(counter::MESSAGES_MISSING, Count, "messages that a later one of the same publisher showed to be missing"),
    alone(counter::MESSAGES_MISSING_AT_END, Count, "messages of the plan after the last received one, missing when a socket closed in order"),
    alone(counter::MESSAGES_REORDERED, Count, "missing messages that arrived later"),
    alone(counter::MESSAGES_DUPLICATED, Count, "messages received again"),
    alone(counter::SUBSCRIPTIONS_ASKED, Count, "devices that asked for their topics, each time a socket opened"),
    alone(counter::SUBSCRIPTIONS_CONFIRMED, Count, "devices whose node confirmed their topics"),
    alone(conn_event::OPENED, Count, "sockets that opened or reconnected"),
    by("node", conn_event::OPENED, Count, "sockets that opened or reconnected"),
    alone(conn_event::DELAYED, Count, "attempts that took more than a second to open, by their start"),
    by("node", conn_event::DELAYED, Count, "attempts that took more than a second to open, by their start"),
    alone(conn_event::RECONNECTED, Count, "sockets that reconnected after they had been lost"),
    alone(conn_event::LOST, Count, "open sockets that ended otherwise than by the drain"),
    alone(conn_event::FAILED, Count, "failed attempts to open, by their start"),
    alone(conn_event::REJECTED, Count, "failed attempts that were answered with a pause, so by a process that is alive and at a limit"),
    alone(conn_event::UNANSWERED, Count, "attempts that had waited for more than a second when the run ended, by their start"),
];

const fn alone(name: &'static str, unit: RecordUnit, about: &'static str) -> RecordMetric {
    description::alone(name, SeriesKind::Count, unit, about)
}

/// A counter whose name goes on with a kind, a reason or a node.
const fn by(
    label: &'static str,
    name: &'static str,
    unit: RecordUnit,
    about: &'static str,
) -> RecordMetric {
    description::by(label, name, SeriesKind::Count, unit, about)
}
