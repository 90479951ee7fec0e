//! The work queue of the embedded broker: telemetry from nodes, through groups, to
//! consumers.
//!
//! ```text
//! producer ──► serve ──► queue ──► store            records, until every group is done
//!     ▲                    │
//!     └─ PublishResults ◄──┤
//!                          └──► group ──► serve ──► consumer
//! ```
//!
//! The files, in reading order: `store` (the records), `group` (one group), `queue` (all
//! groups), `serve` (the connections). The frames are in `ingest::local_protocol`.

mod group;
mod queue;
mod serve;
mod store;
#[cfg(test)]
mod tests;

pub(super) use self::{
    queue::WorkQueue,
    serve::{WorkQueueServer, expire_groups},
};
