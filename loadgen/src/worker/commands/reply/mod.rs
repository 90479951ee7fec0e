//! The ways in which the reply to a command comes back.
//!
//! - [`rest`]: the response is the reply;
//! - [`sse`]: the response is an event stream that carries the reply.
//!
//! A new reply mode is a variant of `plan::ReplyMode` in `scenarios`, a file here, and a
//! line in each function below.

pub mod rest;
pub mod sse;

use highwater_scenarios::plan::ReplyMode;
use reqwest::Response;

use crate::worker::dialect::{Dialect, ReplyResult};

/// Returns the value of the request's `Accept` header.
pub fn accepted_type(mode: ReplyMode) -> &'static str {
    match mode {
        ReplyMode::Rest => "application/json",
        ReplyMode::Sse => "text/event-stream",
    }
}

/// Reads a 2xx response until it has the reply to the command with `nonce`.
pub async fn read(
    mode: ReplyMode,
    response: Response,
    dialect: &dyn Dialect,
    nonce: &str,
) -> ReplyResult {
    match mode {
        ReplyMode::Rest => rest::read(response, dialect, nonce).await,
        ReplyMode::Sse => sse::read(response, dialect, nonce).await,
    }
}
