//! The backplane over message brokers that know no nodes: Redis, NATS, RabbitMQ.
//!
//! This module holds what they share: membership by leases, queues and reconnects. Each
//! broker differs only in its [`Transport`].
//!
//! ```text
//!  endpoint ──► outbound ──► active_connection ──► Transport ──► broker
//!     ▲                          │   membership        │
//!     │                          │    │  ▲             ▼
//!     └── views, Inbound ◄───────┴────┘  └───────── inbound
//! ```
//!
//! The broker stores one document, the membership table, which nodes change by
//! compare-and-set. About once a second, each node sends a heartbeat on a channel that
//! all nodes receive. The heartbeat names the version of the sender's table; a node with
//! an older one loads the new one. A survivor removes a node that was silent for its
//! lease, together with its inbox. A node that was removed or lost its connection joins
//! again with another inbox and another generation: no frame for its former entry
//! reaches it.
//!
//! The files, in reading order:
//!
//! - `transport` (the interface to a broker), `error`, `inbox` (the address of a
//!   connection), `inbound` (received frames that wait), `frame` (the encoding), `fragments`
//!   (long frames);
//! - `membership_table` (the document), `table_signer` (its signature), `table_client`
//!   (compare-and-set), `failure_detector` (silent members), `reaper` (abandoned inboxes),
//!   `sweep` (inboxes that no table knows);
//! - `membership` (entry, lease and heartbeats), `receive` (its handling of frames),
//!   `maintenance` (its part in maintaining the table);
//! - `outbound` (operations that wait), `connection` (connects and joins),
//!   `active_connection` (reads and writes while joined), `disconnect_reason`, `clean_up` (a
//!   process that joins only to remove), `transport_functions` (these for the type of a transport).

mod active_connection;
mod clean_up;
#[cfg(test)]
pub(super) mod conformance;
mod connection;
mod disconnect_reason;
mod error;
mod failure_detector;
#[cfg_attr(
    not(any(feature = "aws", feature = "nats")),
    expect(dead_code, reason = "the other brokers carry the longest frame")
)]
pub(super) mod fragments;
mod frame;
pub(crate) mod fuzzing;
mod inbound;
mod inbox;
mod maintenance;
mod membership;
mod membership_table;
mod outbound;
mod reaper;
mod receive;
mod sweep;
mod table_client;
mod table_signer;
#[cfg(test)]
mod tests;
mod transport;
mod transport_functions;

pub(super) use self::{
    error::{TransportError, TransportResult},
    inbound::{InboundFrame, InboundSender},
    inbox::Inbox,
    transport::{ClusterAddress, Destination, OutboundFrame, StoredTable, Transport},
    transport_functions::TransportFunctions,
};
