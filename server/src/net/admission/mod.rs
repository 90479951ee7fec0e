//! Who is let in while there is room, and what is said to the others.
//!
//! In reading order: `bucket` (holding newcomers to a rate), `room` (counting what
//! may be open), `files` (what the open files leave room for), `gate` (the check of
//! a newcomer).

mod connection_limit;
mod control;
mod file_limit;
mod rate_limiter;

pub(crate) use self::{
    connection_limit::{ConnectionLimit, Permit},
    control::{AdmissionControl, Rejected},
    file_limit::max_connections,
};
