//! The HTTP interface of a node, as specified in `docs/protocol.md`.
//!
//! ```text
//! request ──► router ──┬──► device_socket, stomp_socket, commands, devices, topics, sessions (public)
//!                      └──► nodes, health, admin                               (admin)
//!                               │ node::token: authorization
//!                               ▼
//!                             Node
//! ```
//!
//! Reading order: `router` (the routes), then one file
//! for each resource, and `echo` for conformance suites. Errors, bodies and headers are in [`api`](crate::api).

mod admin;
mod commands;
mod device_socket;
mod devices;
mod echo;
mod health;
mod nodes;
mod router;
mod sessions;
#[cfg(feature = "stomp")]
mod stomp_socket;
mod topics;

pub(crate) use self::{
    commands::read_command,
    router::{admin_router, combined_router, public_router},
};
