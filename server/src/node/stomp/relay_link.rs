//! A session's way to a broker of others.

use crate::stomp_relay::ToBroker;

/// The way to the broker. When it is dropped, the connection ends.
pub(super) struct RelayLink {
    pub(super) to_broker: ToBroker,
    /// The receipt that ends the session.
    pub(super) disconnect: Option<Box<str>>,
}
