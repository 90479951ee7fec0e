//! A backplane over a message broker that knows nothing of nodes: Redis, NATS,
//! RabbitMQ.
//!
//! What all of them share lives here: membership by leases, requests, queues,
//! reconnects. What differs is a [`Carrier`], one file a broker.

mod carrier;

pub(super) use self::carrier::{
    Arrived, Carrier, CarrierError, Destination, Inbox, Outgoing, Stored,
};
