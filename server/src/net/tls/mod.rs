//! TLS at the node's listener, and to brokers.
//!
//! In reading order: [`certificate`] (the files), `server` (handshakes), `stream` (the bytes of
//! a connection), `broker` (the authorities of a broker's servers).

mod broker;
pub mod certificate;
mod server;
mod stream;

#[cfg(any(feature = "nats", feature = "amqp"))]
pub(crate) use self::broker::client_config;
#[cfg(any(feature = "nats", feature = "redis"))]
pub(crate) use self::broker::install_ring_provider;
#[cfg(feature = "remote")]
pub(crate) use self::broker::{REJECTED_CERTIFICATE_HINT, is_rejected_certificate};
pub(crate) use self::stream::TlsStream;
pub use self::{
    broker::{BrokerCa, BrokerCaError},
    certificate::CertificateError,
    server::ServerTls,
};
