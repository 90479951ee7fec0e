//! The effect of each event on a node, on the embedded broker or on a consumer.
//!
//! A new event is a function in the file of its process, and a line in
//! [`apply`](apply::apply). A new fault needs no code here, see [`faults`].
//!
//! - [`apply`]: the table of events, and the events of the embedded broker;
//! - [`nodes`]: add, kill, restart, drain, pause and resume a node;
//! - [`rebalance`]: move sockets between nodes;
//! - [`faults`]: faults that a node injects into itself.

mod apply;
mod faults;
mod nodes;
mod rebalance;

pub(super) use apply::apply;
