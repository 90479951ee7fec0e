//! The login of a device: an HTTP request before its first socket.
//!
//! ```text
//! devices::device_login ──► LoginClient ──request──► the system
//!          ▲                                             │
//!          │                                             ▼
//!     TakenValues ◄── take ◄── status, header fields, the beginning of the body
//! ```
//!
//! A login that fails ends the attempt, and the policy of reconnects decides when the next
//! one begins.
//!
//! - [`client`]: the HTTP clients, and one login from its request to its values;
//! - [`compiled`]: the request, ready to be filled in;
//! - [`take`](mod@take): the values of an answer; [`taken`]: those that devices have;
//! - [`failure`]: the ways to fail.

pub mod client;
pub mod compiled;
pub mod failure;
pub mod take;
pub mod taken;

pub use self::{
    client::LoginClient,
    compiled::CompiledLogin,
    failure::{LoginError, LoginFailure},
    taken::{TakenStore, TakenValues},
};
