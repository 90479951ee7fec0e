//! NATS (`nats://[USER:PASSWORD@]HOST[:PORT]`): core subjects for frames, a
//! JetStream key-value bucket for the roster.
//!
//! **Order.** A server delivers what one connection publishes on one subject in
//! the order it was published. All frames of a node leave through one connection.
//!
//! **Loss.** Core NATS keeps nothing: a frame that nobody listens to is gone, and
//! so is what was under way when a connection breaks. A receiver that does not read
//! for 10 s, or for which 64 MiB wait (`write_deadline` and `max_pending` of the
//! server), is disconnected by the server. A receiver whose process is short of CPU
//! may overrun the client library's own buffer; it then disconnects itself. Either
//! way the node joins anew, with another inbox.
//!
//! **Duplicates.** None: nothing is sent again.
//!
//! **The server goes away and comes back.** The connection ends; a new one is made
//! with new subscriptions. The client library would mend the connection by itself
//! and so hide that frames were lost meanwhile: it is not given the chance
//! (`connection`). The roster outlives a restart when the server has its
//! `store_dir` still; without it the nodes write a new one, with a greater version.
//!
//! **Size.** A server takes messages of 1 MiB by default (`max_payload`). A frame
//! that is longer, with its header, travels in parts (`parts`).
//!
//! **In a cluster of servers** a subscription takes a moment to be known at the
//! others: a frame sent right after it may be missed there. Create the bucket
//! beforehand with replicas to keep the roster when one server is lost.
//!
//! In reading order: `server` (the URL), `subjects` (names), `connection` (one
//! connection, never mended), `parts`, `listener` (subscription to arrivals),
//! `roster`, `carrier` (the trait).

mod connection;
mod error;
mod fragments;
mod membership_bucket;
mod server;
mod subjects;
mod subscription;
#[cfg(test)]
mod tests;
mod transport;

pub(crate) use self::connection::connect_by_url;

pub(in crate::backplane) use self::{server::NatsServer, transport::NatsTransport};
