//! SNS and SQS (`sns://REGION`, `sns://HOST:PORT` for an emulator): a topic for each cluster, a
//! queue for each connection of a node, and an item of DynamoDB for the membership table.
//!
//! ```text
//!              ┌─ to a node ──────────────────────► queue of that node ─┐
//! transport ───┤ publisher                                              ├─► receiver ─► inbox
//!     │        └─ to a topic, to everyone ─► SNS ─► queues of all nodes ─┘
//!     ├──► membership_item ─► DynamoDB   a conditional put
//!     └──► queues, topic ───► SQS, SNS   created by the node, removed by it or a survivor
//! ```
//!
//! Topic and queues are FIFO, and the group of a message is its sender.
//!
//! **Order.** A queue delivers the messages of one sender in their order, and the next ones only
//! when the earlier are deleted. Messages to a node and those through the topic take two paths,
//! between which there is no order.
//!
//! **Loss.** A message waits for a minute in its queue. One to a removed queue is lost. The
//! messages that wait for a node are lost with its entry.
//!
//! **Duplicates.** None. Each message has an id with a number that grows; the queue
//! recognises it for five minutes, and the receiver for as long as it knows the sender.
//!
//! **Lifecycle of a queue.** A connection creates it under a name that is used once, with the
//! cluster, the node and the incarnation as tags. The node removes it when it leaves in order, or
//! a survivor does after the node's lease: first the subscription, then the queue. A queue whose
//! process never joined is removed by a member or by `highwater serve reaper`, if its tag names
//! the cluster.
//!
//! **Requests.** The client library holds no connection of its own that could break. A
//! request that the service did not answer ends the transport, and the node joins again: the answer
//! to a request for messages may be lost, and these would come again only after half a minute.
//!
//! **Size.** SNS accepts 256 KiB. Longer frames travel in fragments, and short ones to the same
//! recipient share a message.
//!
//! The files, in reading order:
//!
//! - `address` (the URL), `names`, `clients` (of the services), `error`, `retry`, `requests`
//!   (the count of what is billed);
//! - `message` (frames in messages), `publisher` (messages in requests), `receiver` (the queue's
//!   reader), `seen` (messages that come again);
//! - `topic` and `queues` (their creation and removal), `tables`, `membership_item`
//!   (compare-and-set), `subscriptions`, `transport` (the trait);
//! - [`stream`] (the other route: through a table and its stream).

mod address;
mod clients;
mod error;
mod membership_item;
mod message;
mod names;
mod publisher;
mod queues;
mod receiver;
mod requests;
mod retry;
mod seen;
pub(crate) mod stream;
mod subscriptions;
mod tables;
#[cfg(test)]
mod tests;
mod topic;
mod transport;

#[cfg(test)]
pub(in crate::backplane) use self::tests::spawn_filter_for;
pub(in crate::backplane) use self::{stream::StreamTransport, transport::SnsTransport};
