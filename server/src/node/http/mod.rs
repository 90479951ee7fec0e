//! What a node serves over HTTP, as written in `docs/protocol.md`.
//!
//! In reading order: `router` (the routes), `error` (what is said when something is
//! wrong), `body` (reading JSON), `token` (checking tokens), then one file per resource.

mod admin;
mod commands;
mod device_socket;
mod devices;
mod echo;
mod health;
mod nodes;
mod router;
mod sessions;
mod token;
mod topics;

pub(crate) use self::{
    commands::{accepts_event_stream, read_command},
    router::{admin_router, combined_router, public_router},
};
