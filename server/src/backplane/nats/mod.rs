//! NATS (`nats://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]]`): core subjects for frames, a JetStream
//! key-value bucket for the membership table.
//!
//! ```text
//! transport ──► fragments ──► connection ──► NATS      publish
//!     │   └───► membership_bucket ─────────► JetStream compare-and-set
//!     └── InboundSender ◄── subscriptions ◄─ NATS      one per subject
//! ```
//!
//! **Order.** A server delivers the messages of one connection on one subject in their
//! order of publication. All frames of a node leave through one connection.
//!
//! **Loss.** Core NATS stores nothing: a frame without a subscriber is lost, and so are
//! frames in flight when a connection breaks. The server disconnects a receiver that does
//! not read for 10 s, or for which 64 MiB wait (its `write_deadline` and `max_pending`). A
//! receiver that is short of CPU may overrun the client library's buffer; it disconnects
//! itself then. Either way the node joins again with another inbox.
//!
//! **Duplicates.** None: nothing is sent again.
//!
//! **Restart.** The connection ends, and the node makes a new one with new subscriptions.
//! The client library would reconnect by itself and hide the lost frames; `connection`
//! prevents that. The membership table survives a restart if the server keeps its
//! `store_dir`. Otherwise the nodes store it again with a greater version.
//!
//! **Size.** A server accepts messages of 1 MiB by default (`max_payload`). A longer frame
//! travels in fragments.
//!
//! **Clusters of servers.** A node connects to any server of the URL, and later also to the
//! servers that one has named. The other servers learn a subscription after a moment, so a
//! frame that is sent right after it may be missed there. The bucket is created with three
//! replicas where there are three servers, so that the table survives the loss of one.
//!
//! The files, in reading order:
//!
//! - `server` (address and credentials), `subjects` (names), `error` (the meaning of the
//!   client library's errors);
//! - `connection` (one connection, never repaired, and its subscriptions), `fragments`
//!   (long frames, by `remote::fragments`);
//! - `membership_bucket` (compare-and-set), `transport` (the trait).

mod connection;
mod error;
mod fragments;
mod membership_bucket;
mod server;
mod subjects;
#[cfg(test)]
mod tests;
mod transport;

pub(crate) use self::connection::connect_to_any;
pub(in crate::backplane) use self::transport::NatsTransport;
