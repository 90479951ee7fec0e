//! The trait that a dialect implements.

use serde::Deserialize;
use tokio_tungstenite::tungstenite::Message;

use super::{
    command::{OutgoingCommand, ReplyNodes, ReplyResult, StatusMeaning},
    incoming::Incoming,
};
use crate::{keys::LoadItemKey, worker::http::HttpRequest};

/// The language that devices and commands speak to a system under test.
///
/// Defaults are right for a server that knows nothing of the harness: RFC 6455 pings as
/// heartbeats, a JSON body for commands, no topics and no telemetry.
pub trait Dialect: Send + Sync {
    /// Returns header lines of every upgrade request, each with its CR LF.
    ///
    /// A subprotocol goes here: `Sec-WebSocket-Protocol: NAME\r\n`.
    fn upgrade_header_lines(&self) -> &'static str {
        ""
    }

    /// Returns the header field, in lower case, in which an answer names its node.
    ///
    /// A system that names no node loses only the split by node.
    fn node_header(&self) -> &'static str {
        "x-highwater-node"
    }

    /// Returns the header field, in lower case, in which a reply names the node that
    /// owned the device's socket.
    fn owner_header(&self) -> &'static str {
        "x-highwater-owner"
    }

    /// Returns the frame of heartbeat `number`, which its answer must carry back.
    fn heartbeat_frame(&self, number: u32) -> Message {
        Message::Ping(number.to_be_bytes().to_vec().into())
    }

    /// Decodes a frame that a device received. Unknown frames are
    /// [`Ignored`](Incoming::Ignored): no bytes of the system may end the worker.
    fn decode<'f>(&self, frame: &'f Message) -> Incoming<'f>;

    /// Builds the HTTP request of a command to `path`.
    fn command_request(&self, path: String, command: &OutgoingCommand<'_>) -> HttpRequest {
        HttpRequest::json(path, command.json_body())
    }

    /// Decodes the body of a 2xx response to the command with `nonce`; `None` if it is
    /// not the reply to this very command.
    fn decode_reply(&self, body: &[u8], nonce: &str) -> Option<ReplyNodes>;

    /// Returns what an HTTP status other than 2xx says about a command.
    fn status_meaning(&self, status: u16) -> StatusMeaning {
        match status {
            // RFC 6585, section 4, and RFC 9110, section 15.6.4: the system shed load.
            429 | 503 => StatusMeaning::Rejected,
            _ => StatusMeaning::Unexpected,
        }
    }

    /// Decodes an event of a reply stream; `None` for an event that ends nothing.
    fn decode_event(&self, name: &str, data: &str, nonce: &str) -> Option<ReplyResult> {
        match name {
            "reply" => Some(match self.decode_reply(data.as_bytes(), nonce) {
                Some(nodes) => ReplyResult::Reply(nodes),
                None => ReplyResult::WrongReply,
            }),
            "error" => Some(decode_error_event(data)),
            _ => None,
        }
    }

    /// Returns the frames that subscribe to `topics`, in the order to send them. The
    /// answer to the last is [`SubscriptionsConfirmed`](Incoming::SubscriptionsConfirmed).
    fn subscribe_frames(&self, _topics: &[String]) -> Vec<Message> {
        Vec::new()
    }

    /// Returns the frame by which a device publishes `body`, which is JSON text; `None` if
    /// the system has no topics.
    fn publish_frame(&self, _topic: &str, _key: LoadItemKey, _body: &str) -> Option<Message> {
        None
    }

    /// Returns the HTTP request that publishes `body`, which is JSON text; `None` if the
    /// system has no topics.
    fn publish_request(&self, _topic: &str, _body: &str) -> Option<HttpRequest> {
        None
    }

    /// Returns the frame of a telemetry record whose `body` is JSON text; `None` if the
    /// system takes no telemetry.
    fn telemetry_frame(&self, _key: LoadItemKey, _body: &str) -> Option<Message> {
        None
    }
}

/// Reads the HTTP status that a server sends in an event once its headers are out.
fn decode_error_event(data: &str) -> ReplyResult {
    #[derive(Deserialize)]
    struct ErrorEvent {
        status: u16,
    }
    serde_json::from_str(data).map_or(ReplyResult::WrongReply, |error: ErrorEvent| {
        ReplyResult::Status(error.status)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_event_carries_its_status() {
        assert_eq!(
            decode_error_event(r#"{"status":404,"error":"x"}"#),
            ReplyResult::Status(404)
        );
        assert_eq!(decode_error_event("oops"), ReplyResult::WrongReply);
    }
}
