//! TLS at the node's listener.
//!
//! In reading order: [`certificate`] (the files, and reading them anew), `server`
//! (handshakes with it).

pub mod certificate;
mod server;

pub use self::{certificate::CertificateError, server::ServerTls};
