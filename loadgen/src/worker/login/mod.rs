//! The login of a device: an HTTP request before its first socket.
//!
//! ```text
//! attempt ──► LoginClient ──request──► the system
//!   ▲            │ permit                 │
//!   │            ▼                        ▼
//!   └── TakenValues ◄── take ◄── status, header fields, the beginning of the body
//! ```
//!
//! A login that fails ends the attempt, and the policy of reconnects decides when the next
//! one begins.
//!
//! - [`client`]: one login from its start to its result, counted and timed;
//! - [`compiled`]: the request, ready to be filled in;
//! - [`take`]: the values of an answer;
//! - [`failure`]: the ways to fail.

pub mod client;
pub mod compiled;
pub mod failure;
pub mod take;

pub use self::{client::LoginClient, compiled::CompiledLogin, failure::LoginFailure};
