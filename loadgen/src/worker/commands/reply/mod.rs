//! The ways in which the reply to a command comes back.
//!
//! - [`rest`]: the response is the reply;
//! - [`sse`]: the response is an event stream that carries the reply.
//!
//! A new reply mode is a variant of `plan::ReplyMode` in `scenarios`, a file here
//! that implements [`ReplyReader`], and a line in [`reader`].

pub mod rest;
pub mod sse;

use futures_util::future::BoxFuture;
use highwater_scenarios::plan::ReplyMode;
use reqwest::Response;

use crate::worker::dialect::{Dialect, ReplyResult};

/// A reader of replies.
pub trait ReplyReader: Send + Sync {
    /// Returns the value of the request's `Accept` header.
    fn accept(&self) -> &'static str;

    /// Reads a 2xx response until it has the reply to the command with `nonce`.
    fn read<'a>(
        &'a self,
        response: Response,
        dialect: &'a dyn Dialect,
        nonce: &'a str,
    ) -> BoxFuture<'a, ReplyResult>;
}

/// Returns the reader of a reply mode: the registry, with one line per mode.
pub fn reader(mode: ReplyMode) -> &'static dyn ReplyReader {
    match mode {
        ReplyMode::Rest => &rest::RestReader,
        ReplyMode::Sse => &sse::SseReader,
    }
}
