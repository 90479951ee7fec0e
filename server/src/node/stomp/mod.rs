//! The STOMP sessions of a node, with its simple broker.
//!
//! ```text
//!  socket ──► handler ──► connect ─ subscribe ─ send ─ acknowledge ─ transaction ─ disconnect
//!    ▲          │ frames                 │        │         │
//!    │          ▼                        ▼        ▼         ▼
//!    └────── state: StompState ◄──── topics, queues of the cluster ──── app: commands, telemetry
//! ```
//!
//! A session is a [`Session`](crate::session::Session) like that of a device, with the same
//! connection, write queue, wheel and drain; [`state`] is its protocol. In reading order:
//! [`handler`] takes the frames of a client, [`connect`] opens the session, [`destination`]
//! parses destinations, [`subscribe`] and [`send`] connect them with topics and queues of the
//! cluster, [`message`] builds MESSAGE frames, [`acknowledge`] settles messages of queues,
//! [`transaction`] holds frames back, [`app`] handles requests to the node, [`request`] waits for
//! what ends later, [`relayed`] passes frames to a broker of others, [`error`] is the end of a session.

mod acknowledge;
mod app;
mod connect;
mod destination;
mod error;
mod handler;
mod message;
mod relayed;
mod request;
mod send;
mod state;
mod subscribe;
mod transaction;

pub(crate) use self::{
    connect::StompHandshake,
    handler::StompHandler,
    state::{StompState, session_name},
};
