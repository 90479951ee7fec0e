//! STOMP connections to a broker of others, RabbitMQ or ActiveMQ.
//!
//! ```text
//!  system connection (one per node): is the broker available? ─► metric, /readyz
//!                                    replies of the node       ─► broker
//!  connection (one per session):     frames of a client       ◄─► broker
//! ```
//!
//! In reading order: [`url`] names the servers and the login, [`connection`] is one connection,
//! [`relay`] opens connections to the server that answered last, or to the next,
//! [`system`] keeps the system connection, [`metrics`] counts.

mod connection;
mod metrics;
mod relay;
mod system;
mod url;

pub use self::url::{InvalidRelayUrl, StompRelayUrl};
pub(crate) use self::{
    connection::{ConnectionEnd, ToBroker},
    relay::{RelayError, StompRelay},
    system::run,
};
