//! Readings at the broker: from nodes, through groups, to consumers.
//!
//! In reading order: [`wire`] (what goes over the connections), `telemetry` (what the
//! broker holds), `members` (one group), `groups` (all of them), `serve` (the two
//! kinds of connection).

mod group;
mod queue;
mod serve;
mod store;
#[cfg(test)]
mod tests;

pub(super) use self::{
    queue::WorkQueue,
    serve::{serve_consumer, serve_producer},
};
