//! The reply in an HTTP response, checked against what was asked.

use reqwest::{Response, header::HeaderMap};
use serde::Deserialize;

use super::outcome::Path;
use crate::worker::node_name::node_name;

/// Longest body that is read, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// A reply.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The node that took the call.
    pub node: Option<String>,
    /// The node that owned the socket.
    pub owner: Option<String>,
    nonce: Option<String>,
}

/// What came of waiting for a reply.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// A reply, to whatever.
    Reply(Reply),
    /// Something that is no reply.
    Malformed,
    /// An HTTP status that was sent within an event stream.
    Status(u16),
    /// The connection broke, or the body was too long.
    Broken,
}

/// The reference server's reply body.
#[derive(Deserialize)]
struct Body {
    node: Option<String>,
    owner: Option<String>,
    body: Option<Echo>,
}

/// What a device of the harness replies: the command's own body.
#[derive(Deserialize)]
struct Echo {
    nonce: Option<String>,
}

impl Reply {
    /// The reply that `text` carries.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let body: Body = serde_json::from_slice(text).ok()?;
        Some(Self {
            node: body.node,
            owner: body.owner,
            nonce: body.body.and_then(|echo| echo.nonce),
        })
    }

    /// Whether it is the reply to the command with this nonce.
    pub fn answers(&self, nonce: &str) -> bool {
        self.nonce.as_deref() == Some(nonce)
    }

    /// The node that owned the socket, where that is a name.
    pub fn owner_name(&self) -> Option<&str> {
        node_name(self.owner.as_deref()?.as_bytes())
    }

    /// Which way it took.
    pub fn path(&self) -> Path {
        match (&self.node, &self.owner) {
            (Some(node), Some(owner)) if node == owner => Path::SameNode,
            (Some(_), Some(_)) => Path::CrossNode,
            _ => Path::Unknown,
        }
    }
}

/// The reference server's reply; the header fields win over the body.
pub async fn reply(response: Response) -> Received {
    let (node, owner) = nodes(response.headers());
    let Some(text) = body(response).await else {
        return Received::Broken;
    };
    match Reply::parse(&text) {
        Some(reply) => Received::Reply(Reply {
            node: node.or(reply.node),
            owner: owner.or(reply.owner),
            nonce: reply.nonce,
        }),
        None => Received::Malformed,
    }
}

/// Any body is the reply.
pub async fn unchecked(response: Response) -> Received {
    let (node, owner) = nodes(response.headers());
    match body(response).await {
        Some(_) => Received::Reply(Reply {
            node,
            owner,
            nonce: None,
        }),
        None => Received::Broken,
    }
}

/// The body in full; `None` when it breaks off or is too long.
pub async fn body(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > BODY_LIMIT {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

fn nodes(fields: &HeaderMap) -> (Option<String>, Option<String>) {
    let field = |name| Some(fields.get(name)?.to_str().ok()?.to_owned());
    (field("x-highwater-node"), field("x-highwater-owner"))
}
