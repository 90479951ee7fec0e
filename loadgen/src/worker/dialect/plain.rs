//! Pings and plain HTTP, for any WebSocket server.

use tokio_tungstenite::tungstenite::Message;

use super::{
    command::{ReplyNodes, ReplyResult},
    incoming::Incoming,
    interface::Dialect,
};

/// The dialect of a server that knows nothing of the harness.
///
/// Devices send pings and ignore text. Every 2xx response counts as the reply to its
/// command, and on an event stream the first event does: nothing in them can be checked.
pub struct Plain;

impl Dialect for Plain {
    fn decode<'f>(&self, frame: &'f Message) -> Incoming<'f> {
        match frame {
            Message::Pong(payload) => Incoming::from_pong(payload),
            _ => Incoming::Ignored,
        }
    }

    fn decode_reply(&self, _body: &[u8], _nonce: &str) -> Option<ReplyNodes> {
        Some(ReplyNodes::default())
    }

    fn decode_event(&self, _name: &str, _data: &str, _nonce: &str) -> Option<ReplyResult> {
        Some(ReplyResult::Reply(ReplyNodes::default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_ignored_and_any_body_is_a_reply() {
        let text = Message::text(r#"{"type":"command","id":"1","body":{}}"#);
        assert_eq!(Plain.decode(&text), Incoming::Ignored);
        assert_eq!(Plain.decode_reply(b"", "7"), Some(ReplyNodes::default()));
    }

    #[test]
    fn pong_answers_the_heartbeat_of_its_number() {
        let Message::Ping(payload) = Plain.heartbeat_frame(7) else {
            panic!("a heartbeat is a ping");
        };
        let pong = Message::Pong(payload);
        assert_eq!(Plain.decode(&pong), Incoming::HeartbeatAnswer(7));
        let other = Message::Pong(b"topics".to_vec().into());
        assert_eq!(Plain.decode(&other), Incoming::Ignored);
    }
}
