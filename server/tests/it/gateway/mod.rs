//! A gateway in front of real and fake nodes.
//!
//! In reading order: `rig` (a gateway), `fake` (a node that answers as a test wants), then the
//! guarantees: `sockets`, `requests`, `loops`, `members`, `routes`, `ending`.

mod ending;
pub(crate) mod fake;
mod loops;
mod members;
mod requests;
pub(crate) mod rig;
mod routes;
mod sockets;
