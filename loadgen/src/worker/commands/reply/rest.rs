//! The reply in an HTTP response, checked against what was asked.

use reqwest::{Response, header::HeaderMap};
use serde::Deserialize;

use crate::worker::{commands::outcome::ReplyRoute, node_name::parse_node_name};

/// Longest body that is read, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// A reply.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ParsedReply {
    /// The node that took the call.
    pub node: Option<String>,
    /// The node that owned the socket.
    pub owner: Option<String>,
    nonce: Option<String>,
}

/// What came of waiting for a reply.
#[derive(Debug, PartialEq, Eq)]
pub enum ReplyResult {
    /// A reply, to whatever.
    Reply(ParsedReply),
    /// Something that is no reply.
    Malformed,
    /// An HTTP status that was sent within an event stream.
    Status(u16),
    /// The connection broke, or the body was too long.
    ConnectionBroken,
}

/// The reference server's reply body.
#[derive(Deserialize)]
struct ReplyJson {
    node: Option<String>,
    owner: Option<String>,
    body: Option<EchoedBody>,
}

/// What a device of the harness replies: the command's own body.
#[derive(Deserialize)]
struct EchoedBody {
    nonce: Option<String>,
}

impl ParsedReply {
    /// The reply that `text` carries.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let body: ReplyJson = serde_json::from_slice(text).ok()?;
        Some(Self {
            node: body.node,
            owner: body.owner,
            nonce: body.body.and_then(|echo| echo.nonce),
        })
    }

    /// Whether it is the reply to the command with this nonce.
    pub fn has_nonce(&self, nonce: &str) -> bool {
        self.nonce.as_deref() == Some(nonce)
    }

    /// The node that owned the socket, where that is a name.
    pub fn owner_name(&self) -> Option<&str> {
        parse_node_name(self.owner.as_deref()?.as_bytes())
    }

    /// Which way it took.
    pub fn route(&self) -> ReplyRoute {
        match (&self.node, &self.owner) {
            (Some(node), Some(owner)) if node == owner => ReplyRoute::SameNode,
            (Some(_), Some(_)) => ReplyRoute::CrossNode,
            _ => ReplyRoute::Unknown,
        }
    }
}

/// The reference server's reply; the header fields win over the body.
pub async fn read_reply(response: Response) -> ReplyResult {
    let (node, owner) = node_headers(response.headers());
    let Some(text) = read_body(response).await else {
        return ReplyResult::ConnectionBroken;
    };
    match ParsedReply::parse(&text) {
        Some(reply) => ReplyResult::Reply(ParsedReply {
            node: node.or(reply.node),
            owner: owner.or(reply.owner),
            nonce: reply.nonce,
        }),
        None => ReplyResult::Malformed,
    }
}

/// Any body is the reply.
pub async fn read_unchecked_reply(response: Response) -> ReplyResult {
    let (node, owner) = node_headers(response.headers());
    match read_body(response).await {
        Some(_) => ReplyResult::Reply(ParsedReply {
            node,
            owner,
            nonce: None,
        }),
        None => ReplyResult::ConnectionBroken,
    }
}

/// The body in full; `None` when it breaks off or is too long.
pub async fn read_body(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > BODY_LIMIT {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

fn node_headers(fields: &HeaderMap) -> (Option<String>, Option<String>) {
    let field = |name| Some(fields.get(name)?.to_str().ok()?.to_owned());
    (field("x-highwater-node"), field("x-highwater-owner"))
}
