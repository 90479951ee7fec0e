//! STOMP over WebSocket, for any server that speaks it.
//!
//! A topic is a destination. Received frames are taken in by the state of their session
//! (`worker::stomp`), because a frame may span messages of WebSocket and one message may hold
//! several frames.

use highwater_scenarios::plan::StompAck;
use highwater_stomp::{Command, Frame, Version, header};
use tokio_tungstenite::tungstenite::Message;

use super::{
    command::{ReplyNodes, ReplyResult},
    incoming::Incoming,
    interface::Dialect,
    plain::Plain,
};
use crate::{
    keys::LoadItemKey,
    worker::stomp::{names, session::encode},
};

/// The version whose escapes the frames have. Destinations of `[[publish]]` have at most one
/// character that is escaped, a colon, and 1.0 does not know the escape.
const VERSION: Version = Version::V1_2;

/// The dialect of a STOMP server.
///
/// Everything except topics is as in the dialect `plain`.
pub struct Stomp {
    /// The acknowledgement of messages to topics.
    ack: StompAck,
}

static AUTO: Stomp = Stomp {
    ack: StompAck::Auto,
};
static CLIENT: Stomp = Stomp {
    ack: StompAck::Client,
};
static CLIENT_INDIVIDUAL: Stomp = Stomp {
    ack: StompAck::ClientIndividual,
};

/// Returns the dialect with this acknowledgement of messages to topics.
pub fn with_ack(ack: StompAck) -> &'static dyn Dialect {
    match ack {
        StompAck::Auto => &AUTO,
        StompAck::Client => &CLIENT,
        StompAck::ClientIndividual => &CLIENT_INDIVIDUAL,
    }
}

impl Dialect for Stomp {
    fn decode<'f>(&self, frame: &'f Message) -> Incoming<'f> {
        Plain.decode(frame)
    }

    fn decode_reply(&self, body: &[u8], nonce: &str) -> Option<ReplyNodes> {
        Plain.decode_reply(body, nonce)
    }

    fn decode_event(&self, name: &str, data: &str, nonce: &str) -> Option<ReplyResult> {
        Plain.decode_event(name, data, nonce)
    }

    fn subscribe_frames(&self, topics: &[String]) -> Vec<Message> {
        let last = topics.len().saturating_sub(1);
        let frames = topics.iter().enumerate().map(|(index, topic)| {
            let frame = subscribe(&names::topic_subscription(index, self.ack), topic, self.ack);
            match index == last {
                // A server handles the frames of a session in their order.
                true => frame.with(header::RECEIPT, names::TOPICS_RECEIPT),
                false => frame,
            }
        });
        // The plan's topics have no character without a form.
        frames
            .filter_map(|frame| encode(&frame, VERSION).ok())
            .collect()
    }

    fn publish_frame(&self, topic: &str, key: LoadItemKey, body: &str) -> Option<Message> {
        let frame = Frame::new(Command::Send)
            .with(header::DESTINATION, topic)
            .with(header::CONTENT_TYPE, "application/json")
            .with(header::RECEIPT, &key.to_string())
            .with_body(body.to_owned());
        encode(&frame, VERSION).ok()
    }
}

/// Returns a SUBSCRIBE without a receipt.
pub fn subscribe(id: &str, destination: &str, ack: StompAck) -> Frame {
    Frame::new(Command::Subscribe)
        .with(header::ID, id)
        .with(header::DESTINATION, destination)
        .with(header::ACK, names::ack_word(ack))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_subscription_asks_for_the_receipt() {
        let topics = ["/topic/a".to_owned(), "/topic/b".to_owned()];
        let frames = with_ack(StompAck::Client).subscribe_frames(&topics);
        let texts: Vec<String> = frames.iter().map(Message::to_string).collect();
        assert_eq!(
            texts,
            [
                "SUBSCRIBE\nid:t0-ack\ndestination:/topic/a\nack:client\n\n\0",
                "SUBSCRIBE\nid:t1-ack\ndestination:/topic/b\nack:client\nreceipt:topics\n\n\0",
            ]
        );
    }

    #[test]
    fn published_message_asks_for_a_receipt_with_its_key() {
        let key = LoadItemKey { load: 0, number: 7 };
        let frame = with_ack(StompAck::Auto).publish_frame("/topic/a", key, "{}");
        assert_eq!(
            frame.map(|frame| frame.to_string()).as_deref(),
            Some(
                "SEND\ndestination:/topic/a\ncontent-type:application/json\nreceipt:0-7\n\
                 content-length:2\n\n{}\0"
            )
        );
    }

    #[test]
    fn text_is_left_to_the_session() {
        let text = Message::text("RECEIPT\nreceipt-id:0-7\n\n\0");
        assert_eq!(with_ack(StompAck::Auto).decode(&text), Incoming::Ignored);
    }
}
