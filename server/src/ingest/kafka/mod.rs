//! Kafka (`kafka://…`): a topic of several partitions, and a Kafka consumer group for each group.
//!
//! ```text
//! producer ──► topic `highwater.CLUSTER.telemetry` ──► member (a thread) ──► consumer
//!    ▲ groups, lag            │                           │ commits
//!    └────────── queue_watch ◄┴── offsets of the groups ◄─┘
//! ```
//!
//! **Acceptance.** A record is accepted once every in-sync replica has it (`acks=all`, idempotent).
//! The topic has three replicas in a cluster of three brokers or more. Two of them must be in sync,
//! so an accepted record survives the loss of one. A single broker writes to disk when its
//! operating system does: the death of the broker loses nothing, and that of the machine may.
//!
//! **Groups.** A group exists once each partition has an offset of it: the first members commit
//! the end of each partition when they get it. Kafka removes a group by itself after
//! `offsets.retention.minutes` (7 days by default) without members.
//!
//! **Redelivery.** Kafka has one committed offset for each group and partition, and no state of
//! single records. A member commits the lowest offset that is not handled. Before it hands records
//! out, it also commits, as metadata, how far they go. If it dies, the next owner of the partition
//! begins at the offset, and marks the records up to that point as redelivered. A broker that
//! keeps no metadata gives no marks.
//!
//! **Silence.** The client library sends heartbeats by itself. Brokers allow session timeouts from
//! 6 s on (`group.min.session.timeout.ms`), so a member is dead after that, and not after 5 s.
//!
//! **Rebalances.** A member takes part in a rebalance when it polls, and then has handled what it
//! had. It commits that first, which Kafka accepts until the last member has joined again. So
//! partitions go to their new owners without records that are in hand, and the rebalance takes as
//! long as the slowest member needs. At a broker that refuses such commits, records that were
//! handled since the rebalance began come again, marked as redelivered.
//!
//! **Bounds.** Kafka never refuses a record. Each node asks the broker once a second how far the
//! slowest group is behind, and rejects new records when that is [`MAX_QUEUED_RECORDS`]. The
//! records of the other nodes in that time may come on top. Records that every group has handled
//! are deleted every ten seconds. The topic has no retention time: Kafka never deletes a record
//! that a group has not handled.
//!
//! The files, in reading order:
//!
//! - `settings` (the client library, names at the broker), `topic` (its creation);
//! - `offsets` (the records of one partition), `assignment` (the partitions of a member, and
//!   rebalances), `batch_size`, `member` (the thread that polls);
//! - `consumer` and `producer` (the traits), `queue_watch` (groups, lag and deletion).
//!
//! [`MAX_QUEUED_RECORDS`]: super::queue::MAX_QUEUED_RECORDS

mod assignment;
mod batch_size;
mod consumer;
mod member;
mod offsets;
mod producer;
mod queue_watch;
mod settings;
#[cfg(test)]
mod tests;
mod topic;

pub(super) use self::{consumer::KafkaConsumer, producer::KafkaProducer};
