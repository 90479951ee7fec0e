//! Redis (`redis://HOST[:PORT][,HOST[:PORT]]`), version 6 or later: Pub/Sub for frames, a hash for the
//! membership table.
//!
//! ```text
//! transport ──► pubsub ──► commands ──► Redis      publish, subscribe, compare-and-set
//!     ▲            └────── subscriber ◄── Redis    pushes
//!     └── InboundSender ◄──────┘
//! ```
//!
//! **Channels.** There is one per connection of a node, one that every node receives, and
//! one per topic with subscribers; never one per device. Their names and the key of the
//! membership table begin with the name of the cluster. On a Redis Cluster the channels
//! are sharded (`SPUBLISH`, `SSUBSCRIBE`; Redis 7), so that its shards share the load.
//!
//! **Connections.** One connection publishes and changes the membership table. It sends a
//! batch as one pipeline and waits for all responses before the next, which keeps the
//! order. The other one is subscribed (RESP3 pushes).
//!
//! **Loss.** Pub/Sub stores nothing: a message that is published while a node is not
//! subscribed is lost. Redis disconnects a node that does not read, when more than
//! `client-output-buffer-limit pubsub` waits for it (by default 32 MiB, or 8 MiB for a
//! minute). That node joins again with another inbox; others are not affected. Frames
//! that the node handles too slowly are dropped in the node, beyond 16 MiB or 16,384
//! frames.
//!
//! **Restart.** When Redis ends, nodes lose their connection, serve their own devices and
//! reconnect with backoff. The first node to return stores its last table again if Redis
//! has lost it. Nodes that do not return lose their entries after their leases.
//!
//! **Redis Cluster.** The transport regularly pings every shard. A shard that does not
//! answer ends the node's connections, and so does a slot with one of the node's channels
//! that moves to another shard.
//!
//! **Several servers.** A node uses the first server that answers and is no replica, or the
//! cluster to which it belongs. When the connection ends, the node connects through any
//! server of the URL or of the cluster. Sentinels name the primary at each new connection.
//!
//! **Full memory.** A Redis at its `maxmemory` still publishes, but rejects each change of
//! the membership table. No node can join then, and dead nodes stay members.
//!
//! The files, in reading order:
//!
//! - `names` (channels and keys), `error` (the meaning of the server's errors);
//! - `settings` (TLS and timeouts), `sentinel` (the primary of a Redis with Sentinels);
//! - `commands` (connections to one server or a cluster), `pubsub` (publishing and
//!   subscribing), `cluster_nodes` and `shards` (servers and checks of a cluster);
//! - `clients` (connections as the server lists them), `membership_table`
//!   (compare-and-set), `transport` (the trait).

mod clients;
mod cluster_nodes;
mod commands;
mod error;
mod membership_table;
mod names;
mod pubsub;
mod sentinel;
mod settings;
mod shards;
#[cfg(test)]
mod tests;
mod transport;

pub(super) use self::transport::RedisTransport;
pub(crate) use self::{commands::CommandConnection, error::is_full};
