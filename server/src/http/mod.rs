//! What a node serves over HTTP, as written in `docs/protocol.md`.
//!
//! In reading order: `router` (the routes), `error` (what is said when something is
//! wrong), `body` (reading JSON), `token` (checking tokens), then one file per resource.

mod admin;
mod body;
mod commands;
mod device_socket;
mod devices;
mod echo;
mod error;
mod health;
mod nodes;
mod router;
mod sessions;
mod token;
mod topics;

pub(crate) use self::{
    commands::{read_call, timeout_ms, wants_events},
    error::ApiError,
    health::as_metrics,
    router::{NODE, everything, no_room, no_such_method, no_such_path, operators, public},
};
