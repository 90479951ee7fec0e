//! A backplane over a message broker that knows nothing of nodes: Redis, NATS,
//! RabbitMQ.
//!
//! What all of them share lives here: membership by leases, requests, queues,
//! reconnects. What differs is a [`Carrier`], one file a broker.
//!
//! In reading order: `carrier` (what a broker must do), `inbox` (where a node
//! receives), `arrivals` (what has come and waits).

mod arrivals;
mod carrier;
mod inbox;

pub(super) use self::{
    arrivals::{Arrived, Intake},
    carrier::{Carrier, CarrierError, Destination, Outgoing, Stored},
    inbox::Inbox,
};
