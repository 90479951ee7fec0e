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
//! connection, write queue, wheel and drain; [`state`] is its protocol, with its
//! [`subscription`]s, [`transactions`] and [`relay_link`]. In reading order:
//!
//! - [`handler`] takes the frames of a client; [`connect`] opens the session after its
//!   [`handshake`]; [`error`] is its end;
//! - [`destination`] parses destinations; [`subscribe`] and [`send`] connect them with topics and
//!   queues of the cluster; [`message`] builds MESSAGE frames;
//! - [`acknowledge`] settles messages of queues, and [`transaction`] holds frames back;
//! - [`app`] handles requests to the node, and [`request`] waits for their outcomes;
//! - [`relayed`] passes frames to a broker of others.

mod acknowledge;
mod app;
mod connect;
mod destination;
mod error;
mod handler;
mod handshake;
mod message;
mod relay_link;
mod relayed;
mod request;
mod send;
mod state;
mod subscribe;
mod subscription;
mod transaction;
mod transactions;

pub(crate) use self::{
    handler::StompHandler,
    handshake::StompHandshake,
    state::{StompState, session_name},
};
