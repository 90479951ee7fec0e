//! TLS at the node's listener.
//!
//! In reading order: [`certificate`] (the files, and reading them anew), `server`
//! (handshakes with it), `stream` (a connection's bytes).

pub mod certificate;
mod server;
mod stream;

pub(crate) use self::stream::TlsStream;
pub use self::{certificate::CertificateError, server::ServerTls};
