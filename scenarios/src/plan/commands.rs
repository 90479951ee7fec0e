//! HTTP command traffic.

use std::time::Duration;

use highwater_types::{Rate, duration};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::{HttpHeader, MatchSpec};

/// HTTP command traffic in the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommandLoad {
    /// Name of the load and of the command that it sends.
    pub name: String,
    /// Name of the pool whose devices get the commands; `None` means all pools.
    // Fields with a default are younger than the first records, which are still read.
    #[serde(default)]
    pub pool: Option<String>,
    /// The load model, which says when commands are due.
    pub model: LoadModel,
    /// Time after which an unanswered command is `timed_out`.
    #[serde(with = "duration::millis")]
    pub timeout: Duration,
    /// The carrier of the reply.
    pub reply: ReplyMode,
    /// Path below the HTTP base address, with placeholders.
    pub path: String,
    /// The method of the request.
    #[serde(default)]
    pub method: CommandMethod,
    /// The body, with placeholders; `None` is that of the dialect.
    #[serde(default)]
    pub body: Option<String>,
    /// Header fields of the request, whose values have placeholders.
    #[serde(default)]
    pub headers: Vec<HttpHeader>,
    /// The statuses of a response that is as expected; empty means every 2xx.
    #[serde(default)]
    pub expect: Vec<u16>,
    /// The body of a response that is as expected.
    #[serde(default)]
    pub expect_body: Option<MatchSpec>,
}

impl CommandLoad {
    /// Whether a response with this status is as expected.
    pub fn expects(&self, status: u16) -> bool {
        match self.expect.as_slice() {
            [] => (200..300).contains(&status),
            statuses => statuses.contains(&status),
        }
    }

    /// Whether the scenario says more of the request or its answer than a path with `{device}`.
    pub fn is_own_request(&self) -> bool {
        let has_values = self.path.replace("{device}", "").contains('{');
        has_values
            || self.method != CommandMethod::default()
            || self.body.is_some()
            || !self.headers.is_empty()
            || self.expect_body.is_some()
            || self.reply.frame().is_some()
    }

    /// Whether devices of this pool get the commands.
    pub fn is_for(&self, pool: &str) -> bool {
        self.pool.as_deref().is_none_or(|name| name == pool)
    }
}

impl ReplyMode {
    /// Returns the frame that is the reply.
    pub fn frame(&self) -> Option<&MatchSpec> {
        match self {
            Self::Frame(spec) => Some(spec),
            Self::Rest | Self::Sse => None,
        }
    }
}

impl CommandMethod {
    /// Returns the body of a request without one of its own: an empty one where the method
    /// takes none; `None` is the dialect's.
    pub(crate) fn default_body(self) -> Option<&'static str> {
        matches!(self, Self::Get | Self::Delete).then_some("")
    }
}

/// The method of a command's request.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
#[expect(
    missing_docs,
    reason = "RFC 9110, section 9.3, and RFC 5789 describe each"
)]
pub enum CommandMethod {
    Get,
    #[default]
    Post,
    Put,
    Patch,
    Delete,
}

/// The times at which commands are due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "model")]
pub enum LoadModel {
    /// Users who wait for the reply, think, and ask again.
    Closed {
        /// Number of users, started spread over one think time.
        users: u64,
        /// Pause between a reply and the next command.
        #[serde(with = "duration::millis")]
        think: Duration,
    },
    /// Arrivals on a fixed schedule, whether or not earlier ones were answered.
    Open {
        /// Arrivals per second over all workers.
        rate: Rate,
        /// Most commands in flight over all workers; an arrival beyond that is dropped and
        /// counted.
        max_in_flight: u64,
    },
}

/// The carrier of the reply to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplyMode {
    /// The HTTP response is the reply.
    Rest,
    /// The response is an event stream that carries the reply.
    Sse,
    /// The reply is a frame on the device's own socket, after a response as expected.
    Frame(MatchSpec),
}
