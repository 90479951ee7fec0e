//! A consumer: handles readings as a member of a group, and writes down each.
//!
//! In reading order: [`config`] (what it is told), [`journal`] (what it writes down),
//! `run` (its life), `handle` (from the queue to the journal), `http` and `metrics`
//! (what it says of itself).

mod config;
mod handler;
mod http;
mod journal;
mod metrics;
mod run;

pub use self::{config::ConsumerConfig, journal::JournalError, run::run};
