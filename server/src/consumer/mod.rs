//! A consumer of telemetry: a member of a group that handles records and writes a line
//! for each to its journal.
//!
//! ```text
//! queue ──poll──► handler ──append──► journal
//!   ▲                │
//!   └──acknowledge───┘  after the journal is flushed
//! ```
//!
//! Reading order: `config`, `run` (the life cycle), `handler`, `journal`, then `http`
//! and `metrics` for probes.

mod config;
mod handler;
mod http;
mod journal;
mod metrics;
mod run;

pub use self::{config::ConsumerConfig, journal::JournalError, run::run};
