//! The kinds of failures: whose fault each one is, and what it is called in a sentence.
//!
//! This is the one table. A counter that no line names is the target's failure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::names::counter;

/// The part of the setup in which a failure arose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FailureOrigin {
    /// The system under test answered with it, or did not answer.
    Target,
    /// The address was not found or not reachable, or a proxy refused.
    Network,
    /// A limit of the harness or of its machine.
    Harness,
}

/// A kind of failures, or all kinds whose counters begin alike.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FailureKind {
    name: KindName,
    pub(crate) origin: FailureOrigin,
    /// Subject and verb after the count. `{s}`, `{was}` and `{its}` follow the count, `{kind}`
    /// is the rest of the counter's name, and `{status}` the status of the example.
    pub(crate) phrase: &'static str,
    /// Next step of a person; empty if the failure says enough.
    pub(crate) hint: &'static str,
}

/// The counters that a line of the table is about.
#[derive(Debug, Clone, Copy)]
enum KindName {
    /// The counter of this name.
    One(&'static str),
    /// The counters whose names begin so.
    All(&'static str),
}

use FailureOrigin::{Harness, Network, Target};

/// Next step where a value has a line end or another control character.
const INVALID_VALUE: &str =
    "look for line ends and other control characters in `data`, and in what `login` takes";

/// All kinds. A whole name stands before a beginning that it has.
#[rustfmt::skip]
static KINDS: &[FailureKind] = &[
    one("connect.failed.refused", Target, "connection{s} {was} refused"),
    one("connect.failed.reset", Target, "connection{s} broke during the handshake"),
    one("connect.failed.timeout", Target, "handshake{s} took longer than `connect_timeout`"),
    one("connect.failed.tls", Target, "TLS handshake{s} failed"),
    all("connect.failed.status_2", Target, "handshake{s} {was} answered with {status} and no WebSocket"),
    all("connect.failed.status_3", Target, "handshake{s} {was} redirected with {status}"),
    all("connect.failed.status_", Target, "handshake{s} {was} refused with {status}"),
    one("connect.failed.handshake", Target, "handshake{s} got an answer that is not a WebSocket server's"),
    one("connect.failed.response_too_large", Target, "handshake{s} got an answer with a longer head than a device reads"),
    one("connect.failed.proxy", Network, "connection{s} got no valid answer of the proxy"),
    all("connect.failed.proxy_", Network, "connection{s} {was} refused by the proxy with {status}"),
    one("connect.failed.subprotocol", Target, "handshake{s} got none of the offered subprotocols"),
    one("connect.failed.stomp_error", Target, "session{s} of STOMP {was} refused with an ERROR"),
    one("connect.failed.stomp_protocol", Target, "session{s} of STOMP failed because the server's frames were not STOMP"),
    one("connect.failed.dns", Network, "name lookup{s} failed"),
    one("connect.failed.unreachable", Network, "connection{s} found no route"),
    one("connect.failed.no_port", Harness, "connection{s} found no free port on the harness's machine")
        .hint("`highwater doctor SCENARIO` says which limit to raise"),
    one("connect.failed.no_file", Harness, "connection{s} found no free file descriptor at the harness")
        .hint("raise `ulimit -n`, or start more workers"),
    one("connect.failed.login", Target, "connection{s} {was} not tried, because the login failed"),
    one("connect.failed.invalid_value", Harness, "handshake{s} {was} not sent, because a value of the device cannot stand in a header field")
        .hint(INVALID_VALUE),
    all("connect.failed.", Target, "connection{s} failed ({kind})"),
    all("login.failed.status_3", Target, "login{s} {was} redirected with {status}"),
    all("login.failed.status_", Target, "login{s} {was} answered with {status}"),
    one("login.failed.timeout", Target, "login{s} got no whole answer in time"),
    one("login.failed.connection", Target, "login{s} found no connection or lost it"),
    one("login.failed.no_value", Target, "login{s} got an answer without a value of `take`"),
    one("login.failed.invalid_value", Harness, "login{s} {was} not sent, because a value of the device cannot stand in a header field")
        .hint(INVALID_VALUE),
    all("login.failed.", Target, "login{s} failed ({kind})"),
    one(counter::DISCONNECT_ASKED, Target, "socket{s} {was} asked to reconnect with close code 1012"),
    all("disconnect.closed_", Target, "socket{s} {was} closed by the server with code {kind}"),
    one("disconnect.reset", Target, "socket{s} broke without a close frame"),
    one("disconnect.protocol", Target, "socket{s} {was} lost because the server broke the WebSocket protocol"),
    one("disconnect.stomp_error", Target, "socket{s} got an ERROR of STOMP"),
    one("disconnect.stomp_protocol", Target, "socket{s} {was} lost because the server's frames were not STOMP"),
    one("disconnect.message_too_large", Harness, "socket{s} {was} closed by the harness, because a message was larger than `max_message`")
        .hint("raise `max_message` of the pool in [[devices]]"),
    one("disconnect.gave_up", Target, "socket{s} {was} closed by the harness after `max_missed` heartbeats without an answer"),
    all("disconnect.", Target, "socket{s} {was} lost ({kind})"),
    all("commands.failed.status_3", Target, "command{s} {was} redirected with {status}"),
    all("commands.failed.status_", Target, "command{s} {was} answered with {status}"),
    one("commands.failed.connection", Target, "command{s} found no connection or lost it"),
    one("commands.failed.wrong_reply", Target, "command{s} got a 2xx answer without {its} reply"),
    one("commands.failed.invalid_value", Harness, "command{s} {was} not sent, because a value of the device cannot stand in a header field")
        .hint(INVALID_VALUE),
    all("commands.failed.", Target, "command{s} failed ({kind})"),
    one(counter::COMMANDS_TIMED_OUT, Target, "command{s} got no answer in time"),
    one(counter::COMMANDS_NOT_CONNECTED, Target, "command{s} went to a device that the system did not find connected"),
    one(counter::COMMANDS_REJECTED, Target, "command{s} {was} rejected by the system to shed load"),
    one(counter::COMMANDS_NO_DEVICE, Target, "command{s} {was} not sent, because no device was connected"),
    one(counter::COMMANDS_DROPPED, Harness, "command{s} {was} not sent, because too many were in flight")
        .hint("raise `max_in_flight` of the load, or start more workers"),
    one(counter::HEARTBEATS_MISSED, Target, "heartbeat{s} got no answer in time"),
    one(counter::HEARTBEATS_LATE, Target, "heartbeat{s} {was} answered after more than a second"),
    one(counter::EXCHANGES_DROPPED, Harness, "message{s} of devices {was} not sent, because too many waited")
        .hint("raise `max_in_flight` of the load, or start more workers"),
    one(counter::EXCHANGES_NO_DEVICE, Target, "message{s} of devices {was} not sent, because no device was connected"),
    one(counter::EXCHANGES_REJECTED, Target, "message{s} of devices {was} rejected by the system"),
    one(counter::EXCHANGES_TIMED_OUT, Target, "message{s} of devices got no answer in time"),
    one(counter::EXCHANGES_LOST, Target, "message{s} of devices had no answer when the socket ended"),
    one(counter::MESSAGES_DROPPED, Target, "message{s} {was} not sent, because the publisher had no connection or the drain began"),
    one(counter::MESSAGES_REJECTED, Target, "message{s} {was} rejected by the system"),
    one(counter::MESSAGES_UNCONFIRMED, Target, "message{s} {was} sent and not confirmed"),
    one(counter::MESSAGES_MISSING_AT_END, Target, "message{s} {was} missing at the end of the run"),
    one(counter::MESSAGES_MISSING, Target, "message{s} {was} missing when a later one came"),
    one(counter::MESSAGES_REORDERED, Target, "message{s} came after a later message"),
    one(counter::MESSAGES_DUPLICATED, Target, "message{s} came again"),
    all("telemetry.rejected.", Target, "telemetry record{s} {was} rejected ({kind})"),
];

/// The kind of a counter that no line of the table names.
static OTHER: FailureKind = all("", Target, "failure{s} of the kind {kind}");

/// Returns the kind of a counter.
pub(crate) fn kind_of(counter: &str) -> &'static FailureKind {
    let mut kinds = KINDS.iter();
    let found = kinds.find(|kind| kind.rest_of(counter).is_some());
    found.unwrap_or(&OTHER)
}

const fn one(name: &'static str, origin: FailureOrigin, phrase: &'static str) -> FailureKind {
    FailureKind {
        name: KindName::One(name),
        origin,
        phrase,
        hint: "",
    }
}

const fn all(name: &'static str, origin: FailureOrigin, phrase: &'static str) -> FailureKind {
    FailureKind {
        name: KindName::All(name),
        ..one(name, origin, phrase)
    }
}

impl FailureKind {
    const fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// Returns the part of a counter's name that the line does not name: `401`.
    pub(crate) fn rest_of<'n>(&self, counter: &'n str) -> Option<&'n str> {
        match self.name {
            KindName::One(name) => (counter == name).then_some(""),
            KindName::All(name) => counter.strip_prefix(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_origin() {
        for (counter, origin) in [
            ("connect.failed.refused", Target),
            ("connect.failed.status_401", Target),
            ("connect.failed.tls", Target),
            ("connect.failed.response_too_large", Target),
            ("connect.failed.proxy", Network),
            ("connect.failed.proxy_407", Network),
            ("connect.failed.dns", Network),
            ("connect.failed.unreachable", Network),
            ("connect.failed.no_port", Harness),
            ("connect.failed.no_file", Harness),
            ("disconnect.closed_4008", Target),
            ("disconnect.message_too_large", Harness),
            ("commands.dropped", Harness),
            ("commands.no_device", Target),
            ("new.kind", Target),
        ] {
            assert_eq!(kind_of(counter).origin, origin, "{counter}");
        }
    }

    #[test]
    fn first_line_that_fits_is_taken() {
        for (counter, phrase) in [
            (
                "connect.failed.status_200",
                "answered with {status} and no WebSocket",
            ),
            ("connect.failed.status_404", "refused with {status}"),
            ("disconnect.closed_1012", "asked to reconnect"),
            ("disconnect.closed_1011", "with code {kind}"),
            ("messages.missing_at_end", "at the end"),
            ("messages.missing", "when a later one came"),
            ("telemetry.rejected.full", "rejected ({kind})"),
            ("disconnect.new", "lost ({kind})"),
            ("other", "of the kind {kind}"),
        ] {
            let found = kind_of(counter).phrase;
            assert!(found.contains(phrase), "{counter}: {found}");
        }
    }

    /// A line behind one that has all of its counters would never be found.
    #[test]
    fn every_line_can_be_found() {
        for kind in KINDS {
            let (KindName::One(name) | KindName::All(name)) = kind.name;
            assert!(std::ptr::eq(kind_of(name), kind), "{name}");
        }
    }
}
