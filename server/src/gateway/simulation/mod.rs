//! The fleet on a clock of its own: nodes that report, sockets that arrive, and
//! several gateways that know of each other only what the nodes tell. Seeded; each
//! figure has a range that it must fall into.
//!
//! In reading order: `cluster` (the simulated cluster), `sockets` and `requests` (their
//! distribution), `members` (membership), `steps` (properties under random steps).

mod cluster;
mod members;
mod requests;
mod sockets;
mod steps;
