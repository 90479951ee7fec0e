//! The reply in an HTTP response.

use futures_util::future::BoxFuture;
use reqwest::{Response, header::HeaderMap};

use super::ReplyReader;
use crate::worker::{
    dialect::{Dialect, ReplyNodes, ReplyResult},
    http::read_body,
};

/// The reader of a response whose body is the reply.
pub struct RestReader;

impl ReplyReader for RestReader {
    fn accept(&self) -> &'static str {
        "application/json"
    }

    fn read<'a>(
        &'a self,
        response: Response,
        dialect: &'a dyn Dialect,
        nonce: &'a str,
    ) -> BoxFuture<'a, ReplyResult> {
        Box::pin(read(response, dialect, nonce))
    }
}

async fn read(response: Response, dialect: &dyn Dialect, nonce: &str) -> ReplyResult {
    let named = nodes_in_headers(response.headers(), dialect);
    let Some(body) = read_body(response).await else {
        return ReplyResult::ConnectionBroken;
    };
    match dialect.decode_reply(&body, nonce) {
        // Header fields are on every answer, the body's fields on replies only.
        Some(nodes) => ReplyResult::Reply(named.or(nodes)),
        None => ReplyResult::WrongReply,
    }
}

fn nodes_in_headers(headers: &HeaderMap, dialect: &dyn Dialect) -> ReplyNodes {
    let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
    ReplyNodes {
        node: header(dialect.node_header()),
        owner: header(dialect.owner_header()),
    }
}
