//! A gateway in front of nodes, and of what only looks like one.
//!
//! In reading order: `rig` (a gateway), `fake` (a node that does what a test wants),
//! then what is promised: `sockets`, `requests`, `members`, `routes`, `ending`.

mod ending;
mod fake;
mod members;
mod requests;
pub(crate) mod rig;
mod routes;
mod sockets;
