//! RabbitMQ (`amqp://[USER:PASSWORD@]HOST[:PORT][/VHOST]`), AMQP 0-9-1.
//!
//! A queue for each inbox, written to by name through the default exchange; a
//! fan-out exchange for everyone and a direct exchange for topics, to which that
//! same queue is bound. One queue a node, whatever comes: the broker's cost does not
//! grow with devices or topics, but for a binding a topic and node.
//!
//! **Order.** All frames of a node leave through one channel and wait in one queue
//! for each receiver: a receiver gets them in the order they were sent, across
//! inbox, everyone and topics.
//!
//! **Loss.** Publishes are not confirmed and messages are not persistent: what was
//! under way when a connection or the broker ends is lost. A queue holds at most
//! 16,384 messages and 16 MiB; beyond that the broker drops its oldest
//! (`x-overflow: drop-head`), so that a slow node costs the others nothing.
//!
//! **Duplicates.** None. Deliveries are acknowledged, many at a time, so that no
//! more than 256 are ever on their way to a node; what is not acknowledged when a
//! connection breaks goes back to a queue that nobody reads again.
//!
//! **Lifecycle of a queue.** Created with its connection under a name that is used
//! once, deleted on a clean stop, deleted by a survivor when the node's lease has
//! lapsed, and by the broker itself after a minute without a reader (`x-expires`).
//!
//! **The broker goes away and comes back.** Connections end and are made anew, with
//! new queues. Exchanges end with the broker and are declared again. The roster is a
//! persistent message and is there again, if the broker has its files.
//!
//! **The broker is short of memory or disk** (an alarm): it reads nothing from
//! connections that publish. What is in the queues still arrives, over a connection
//! of its own; but a node whose beats do not come back gives up after its lease, and
//! joins again when the alarm is over.
//!
//! **Size.** A message may be 128 MiB and more; frames are far below.
//!
//! In reading order: `server` (the URL), `names`, `connection` and its `socket`,
//! `error` (what the client library's errors mean), `outbox` (sending, in order),
//! `inbox` (the queue and its reader), `roster` (compare-and-set without a store),
//! `carrier` (the trait).

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

pub(crate) use self::connection::{AmqpConnection, open_by_url};
pub(in crate::backplane) use self::{server::uri, transport::AmqpTransport};
