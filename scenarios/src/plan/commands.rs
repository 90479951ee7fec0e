//! HTTP command traffic.

use std::time::Duration;

use highwater_types::{Rate, duration};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// HTTP command traffic in the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommandLoad {
    /// Name of the load and of the command that it sends.
    pub name: String,
    /// The load model, which says when commands are due.
    pub model: LoadModel,
    /// Time after which an unanswered command is `timed_out`.
    #[serde(with = "duration::millis")]
    pub timeout: Duration,
    /// The carrier of the reply.
    pub reply: ReplyMode,
    /// Path below the HTTP base address, with `{device}`.
    pub path: String,
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
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ReplyMode {
    /// The HTTP response is the reply.
    Rest,
    /// The response is an event stream that carries the reply.
    Sse,
}
