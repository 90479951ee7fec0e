//! Routing through a table and its stream: a node only writes what it wants others to do.
//!
//! ```text
//! transport ─► action_table ─► DynamoDB ══stream══► reader ─► rules ─► SNS ─► queues of all nodes
//!                                          │  ▲
//!                                     shards  checkpoints       `highwater serve stream-filter`
//! ```
//!
//! Signs of life go to the topic directly, so that members stay members while no filter runs.
//!
//! **At least once, made once.** The filter notes its place after it has published, so a
//! filter that dies publishes some actions again. Their ids are those of the records in the table; the
//! topic recognises them for five minutes, and each node for as long as it knows the sender.
//!
//! **Order.** A sender writes one record after the other under its own key, and a stream keeps
//! the order of a key: in one shard, or in a shard and then in those that follow it. A shard is
//! read when those before it have been read to their end.
//!
//! The files, in reading order: `action_table` (what nodes write), `route` (of the transport),
//! `rules`, `shards` (which to read next), `checkpoints`, `reader` (one shard), `filter` (all).

mod action_table;
mod checkpoints;
mod filter;
mod reader;
mod route;
mod rules;
mod shards;

pub(in crate::backplane) use self::route::StreamTransport;
pub use self::{
    filter::{StreamFilterConfig, StreamFilterError, run as run_stream_filter},
    rules::{InvalidRules, RoutingRules},
};
