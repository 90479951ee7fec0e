//! The reply in an HTTP response.

use reqwest::Response;

use crate::worker::{
    commands::reply::ReplyTo,
    dialect::{ReplyNodes, ReplyResult},
    http::read_body,
};

/// Reads a response whose body is the reply to the command.
pub(super) async fn read(response: Response, command: &ReplyTo<'_>) -> ReplyResult {
    let dialect = command.dialect;
    let field = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let named = ReplyNodes {
        node: field(dialect.node_header()),
        owner: field(dialect.owner_header()),
    };
    let Some(body) = read_body(response).await else {
        return ReplyResult::ConnectionBroken;
    };
    if !(command.is_expected)(&body) {
        return ReplyResult::WrongReply;
    }
    match dialect.decode_reply(&body, command.nonce) {
        // Header fields are on every answer, the body's fields on replies only.
        Some(nodes) => ReplyResult::Reply(named.or(nodes)),
        None => ReplyResult::WrongReply,
    }
}
