//! RabbitMQ (`amqp://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]][/VHOST]`), AMQP 0-9-1.
//!
//! ```text
//! transport ──► publisher ──► default exchange ──► queue of one inbox ──► inbox
//!     │   │         └───────► everyone, topics ──►        (bound)           │
//!     │   └──► membership_table ──► a queue with one message                │
//!     └── InboundSender ◄───────────────────────────────────────────────────┘
//! ```
//!
//! Each inbox is a queue, to which others publish by name through the default exchange.
//! The same queue is bound to a fan-out exchange for everyone and to a direct exchange for
//! topics. A node has one queue: the broker's cost does not grow with devices, and only by
//! one binding with each topic of a node.
//!
//! **Order.** All frames of a node leave through one channel and wait in one queue per
//! receiver. A receiver gets them in the order of sending, across inbox, everyone and
//! topics.
//!
//! **Loss.** Publishes are not confirmed and messages are not persistent: frames in flight
//! are lost when a connection or the broker ends. A queue holds at most 16,384 messages
//! and 16 MiB. Beyond that the broker drops the oldest (`x-overflow: drop-head`), so a slow
//! node does not slow the others down.
//!
//! **Duplicates.** None. At most 256 deliveries are in flight to a node, which acknowledges
//! many at a time. Unacknowledged ones return to the queue when the connection breaks, but
//! no node reads that queue again.
//!
//! **Lifecycle of a queue.** A connection creates it under a name that is used once. The
//! node deletes it when it leaves in order, or a survivor does after the node's lease. The
//! broker deletes it after a minute without a reader (`x-expires`).
//!
//! **Restart.** Connections end, and nodes make new ones with new queues. Exchanges end with
//! the broker and are declared again. The membership table is a persistent message, which
//! survives if the broker keeps its files.
//!
//! **Alarms.** A broker that is short of memory or disk does not read from connections that
//! publish. Queued messages still arrive over the other connection. A node whose own
//! heartbeats do not return loses its lease, and joins again when the alarm has ended.
//!
//! **Size.** A message may have 128 MiB and more; frames are far smaller.
//!
//! The files, in reading order:
//!
//! - `server` (the URL), `names`, `error` (the meaning of the client library's errors);
//! - `socket` (plain or TLS), `connection` (one connection), `publisher` (sending, in order),
//!   `inbox` (queue and reader);
//! - `membership_table` (compare-and-set without a store), `transport` (the trait).

mod connection;
mod error;
mod inbox;
mod membership_table;
mod names;
mod publisher;
mod server;
mod socket;
#[cfg(test)]
mod tests;
mod transport;

pub(crate) use self::connection::{AmqpConnection, open_to_any};
pub(in crate::backplane) use self::transport::AmqpTransport;
