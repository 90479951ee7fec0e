//! Simulated clusters on a virtual clock: nodes that report, sockets that arrive, and several
//! gateways that know each other's sockets only from reports. Runs are seeded, and each result
//! has an allowed range.
//!
//! In reading order: `cluster` (the simulated cluster), `sockets` and `requests` (their
//! distribution), `members` (membership), `steps` (properties under random steps).

mod cluster;
mod members;
mod requests;
mod sockets;
mod steps;
