//! Handshakes with the node's certificate.

use std::{io, path::Path, sync::Arc, time::Duration};

use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::rustls::{self, ServerConfig, crypto::ring};

use super::{
    certificate::{CertificateError, CertificateResolver, unusable},
    stream::TlsStream,
};

/// TLS 1.2 and 1.3 with a certificate that can be replaced while connections last.
pub struct ServerTls {
    certificate: Arc<CertificateResolver>,
    config: Arc<ServerConfig>,
}

impl ServerTls {
    /// Reads a certificate chain, the node's own certificate first, and its private
    /// key, both PEM.
    ///
    /// # Errors
    /// [`CertificateError`], with the file and its defect.
    pub fn load(cert: &Path, key: &Path) -> Result<Self, CertificateError> {
        let certificate = Arc::new(CertificateResolver::load(cert, key)?);
        let unusable = |error: rustls::Error| unusable(cert, key, error.to_string());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificate) as _);
        // A WebSocket begins as HTTP/1.1 (RFC 6455), and the server speaks no other protocol.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Tickets carry the session: a cache would have to hold a session for each device that
        // may reconnect.
        config.ticketer = ring::Ticketer::new().map_err(unusable)?;
        config.send_tls13_tickets = 1;
        Ok(Self {
            certificate,
            config: Arc::new(config),
        })
    }

    /// Reads the files again, for later handshakes. Open connections are not affected.
    ///
    /// # Errors
    /// [`CertificateError`]; the previous certificate stays in use.
    pub fn reload(&self) -> Result<(), CertificateError> {
        self.certificate.reload()
    }

    /// Runs the handshake with a client, within a time limit.
    pub(crate) async fn accept(&self, stream: TcpStream, limit: Duration) -> io::Result<TlsStream> {
        timeout(limit, TlsStream::accept(stream, Arc::clone(&self.config))).await?
    }
}

impl std::fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerTls")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}
