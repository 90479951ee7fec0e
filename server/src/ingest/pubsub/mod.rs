//! Google Pub/Sub (`pubsub://…`): a topic, and a subscription for each group.
//!
//! ```text
//! producer ──► topic `highwater.CLUSTER.telemetry` ──► subscription of a group
//!    ▲ groups                                              │ stream        ▲
//!    └──── group_check ◄── list of subscriptions           ▼               │
//!                                          receiver ──► consumer ──► pending_acks
//! ```
//!
//! **Acceptance.** A record is accepted once the service has answered its publication. The service
//! has written it in several zones by then.
//!
//! **Groups.** A group is a subscription with exactly-once delivery, which its first member creates.
//! Subscriptions of groups never expire. One that lacks one of the settings of `resources` is
//! rejected, because the guarantees of a queue depend on them.
//!
//! **Redelivery.** The service delivers a record again when its acknowledgement deadline is over.
//! The client library extends the deadlines of a live member by itself, and the shortest that the
//! service allows is 10 s. So a member is dead after that, and not after 5 s. The service counts
//! the attempts to deliver a record where a subscription has a dead-letter policy, and only there.
//! A record is marked as redelivered from the second attempt on. After 100 attempts it goes to the
//! topic `highwater.CLUSTER.dead-letters`, where a subscription keeps it.
//!
//! **Acknowledgements.** They leave in batches every 100 ms. A member hands out no further record
//! while [`MAX_UNACKED`] of them have no confirmation, so at most those come twice if it dies.
//!
//! **Bounds.** Pub/Sub has no bound and never refuses a record, and its interface does not tell how
//! far a group is behind. So the queue is never full. It drops a record that a group has not
//! handled for 7 days. An operator can extend that to 31 days, the most that the service allows.
//!
//! The files, in reading order:
//!
//! - `resources` (topics and subscriptions), `group_check`, `producer`;
//! - `receiver` (the stream of records), `pending_acks`, `consumer`.
//!
//! [`MAX_UNACKED`]: super::queue::MAX_UNACKED

mod consumer;
mod group_check;
mod pending_acks;
mod producer;
mod receiver;
mod resources;
#[cfg(test)]
mod tests;

pub(super) use self::{consumer::PubSubConsumer, producer::PubSubProducer};
