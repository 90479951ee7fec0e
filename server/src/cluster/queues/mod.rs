//! The queues of the cluster: one subscriber on one node gets each message.
//!
//! ```text
//! sender's node ──QueueSend──► slot owner: store ──QueueDeliver──► node with subscribers
//!                                  ▲    ▲                               │ consumers
//!                                  │    └────── settlement ─────────────┤
//!                                  └─────────── QueueInterest ──────────┘
//! ```
//!
//! The node that owns the slot of a queue's name stores its messages in memory. Nodes with
//! subscribers announce how many messages these may have in hand, again and again, so that a
//! lost announcement heals. A delivery is a request whose answer is the settlement: if the
//! subscriber's node leaves, the request fails and the message is delivered again.
//!
//! In reading order: [`store`] holds the messages of this node's queues, [`consumers`] the
//! subscribers of this node, [`broker`] connects both with the cluster. [`send`] puts a message
//! into a queue, [`settle`] is the end of a delivery, [`handover`] moves messages to their next
//! node, [`run`](mod@run) follows the view, [`metrics`] counts.

mod broker;
mod consumers;
mod handover;
mod metrics;
mod run;
mod send;
mod settle;
mod store;

pub(crate) use self::{
    broker::Queues, consumers::QueueConsumer, run::run, send::QueueSendError, settle::QueueDelivery,
};
