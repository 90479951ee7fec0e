//! The ways in which the reply to a command comes back.
//!
//! - [`rest`]: the response is the reply;
//! - [`sse`]: the response is an event stream that carries the reply.
//!
//! If the reply is a frame, the response is read as in [`rest`], and the device's socket
//! looks out for the frame (`exchanges::SocketExchanges`).
//!
//! A new reply mode is a variant of `plan::ReplyMode` in `scenarios`, a file here, and a
//! line in each function below.

pub mod rest;
pub mod sse;

use highwater_scenarios::plan::ReplyMode;
use reqwest::Response;

use crate::worker::dialect::{Dialect, ReplyResult};

/// Returns the value of the request's `Accept` header.
pub fn accepted_type(mode: &ReplyMode) -> &'static str {
    match mode {
        ReplyMode::Rest => "application/json",
        // Nothing is known of the response but its status.
        ReplyMode::Frame(_) => "*/*",
        ReplyMode::Sse => "text/event-stream",
    }
}

/// The command that a response belongs to.
pub struct ReplyTo<'a> {
    /// The dialect of the system.
    pub dialect: &'a dyn Dialect,
    /// The nonce of the command.
    pub nonce: &'a str,
    /// Whether a body is as the scenario expects it.
    pub is_expected: &'a (dyn Fn(&[u8]) -> bool + Sync),
}

/// Reads a response whose status is as expected, until it has the reply to the command. Where
/// the reply is a frame, the response is taken for it.
pub async fn read(mode: &ReplyMode, response: Response, command: &ReplyTo<'_>) -> ReplyResult {
    match mode {
        ReplyMode::Rest | ReplyMode::Frame(_) => rest::read(response, command).await,
        ReplyMode::Sse => sse::read(response, command.dialect, command.nonce).await,
    }
}
