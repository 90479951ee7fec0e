//! Readings, from devices through a queue to groups of consumers: one suite, every
//! queue.
//!
//! - [`bench`]: a node, a device that sends, consumers and their journals;
//! - [`suite`]: what every queue must show;
//! - [`full`]: what a Redis without memory does;
//! - [`metrics`]: what a consumer says about itself.

mod bench;
mod full;
mod metrics;
mod suite;
