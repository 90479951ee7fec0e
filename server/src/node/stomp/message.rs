//! The frames that carry messages to clients.

use bytes::Bytes;
use highwater_stomp::{AckMode, Command, Frame, Version, header};

use super::subscription::StompSubscription;
use crate::net::ws::encode;

/// Marks a message that a subscriber may have had before.
const REDELIVERED: &str = "redelivered";

/// The headers of a SEND that do not go to the subscribers: they concern the sender and the
/// node, or the node sets them.
const NOT_PASSED_ON: [&str; 11] = [
    header::ACK,
    header::CONTENT_LENGTH,
    header::DESTINATION,
    header::LOGIN,
    header::MESSAGE_ID,
    header::PASSCODE,
    header::RECEIPT,
    header::SESSION,
    header::SUBSCRIPTION,
    header::TRANSACTION,
    REDELIVERED,
];

/// Returns the headers of a SEND that subscribers get.
pub(super) fn passed_headers(frame: &Frame) -> Vec<(String, String)> {
    let passed = frame.headers.iter();
    passed
        .filter(|(name, _)| !NOT_PASSED_ON.contains(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Returns a MESSAGE in a WebSocket message. Headers of its sender that the subscriber's version
/// cannot express are left out.
pub(super) fn encode_message(
    subscription: &StompSubscription,
    id: &str,
    headers: &[(String, String)],
    body: Bytes,
    is_redelivered: bool,
    version: Version,
) -> Option<Bytes> {
    let mut frame = Frame::new(Command::Message)
        .with(header::SUBSCRIPTION, &subscription.id)
        .with(header::MESSAGE_ID, id)
        .with(header::DESTINATION, &subscription.destination);
    if subscription.ack != AckMode::Auto && version == Version::V1_2 {
        frame = frame.with(header::ACK, id);
    }
    if is_redelivered {
        frame = frame.with(REDELIVERED, "true");
    }
    let own = frame.clone();
    for (name, value) in headers {
        frame.headers.add(name, value);
    }
    to_websocket(&frame.with_body(body.clone()), version)
        .or_else(|| to_websocket(&own.with_body(body), version))
}

/// Returns a frame in a WebSocket message; `None` if the version cannot express it.
pub(super) fn to_websocket(frame: &Frame, version: Version) -> Option<Bytes> {
    let bytes = frame.encode(version).ok()?;
    Some(match frame.is_text() {
        true => encode::text(&bytes),
        false => encode::binary(&bytes),
    })
}
