//! The reply in an HTTP response.

use reqwest::Response;

use crate::worker::{
    dialect::{Dialect, ReplyNodes, ReplyResult},
    http::read_body,
};

/// Reads a response whose body is the reply to the command with `nonce`.
pub(super) async fn read(response: Response, dialect: &dyn Dialect, nonce: &str) -> ReplyResult {
    let field = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let named = ReplyNodes {
        node: field(dialect.node_header()),
        owner: field(dialect.owner_header()),
    };
    let Some(body) = read_body(response).await else {
        return ReplyResult::ConnectionBroken;
    };
    match dialect.decode_reply(&body, nonce) {
        // Header fields are on every answer, the body's fields on replies only.
        Some(nodes) => ReplyResult::Reply(named.or(nodes)),
        None => ReplyResult::WrongReply,
    }
}
