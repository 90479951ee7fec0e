//! TLS at the node's listener.
//!
//! In reading order: [`certificate`] (the files), `server` (handshakes), `stream` (the bytes of
//! a connection).

pub mod certificate;
mod server;
mod stream;

pub(crate) use self::stream::TlsStream;
pub use self::{certificate::CertificateError, server::ServerTls};
