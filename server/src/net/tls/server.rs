//! Handshakes with the node's certificate.

use std::{io, path::Path, sync::Arc, time::Duration};

use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::rustls::{self, ServerConfig, crypto::ring};

use super::{
    certificate::{CertificateError, CertificateResolver},
    stream::TlsStream,
};

/// TLS 1.2 and 1.3 with a certificate that can be read anew while connections last.
pub struct ServerTls {
    certificate: Arc<CertificateResolver>,
    config: Arc<ServerConfig>,
}

impl ServerTls {
    /// Reads a certificate chain, the node's own certificate first, and its private
    /// key, both PEM.
    ///
    /// # Errors
    /// [`CertificateError`], naming the file and what is wrong with it.
    pub fn load(cert: &Path, key: &Path) -> Result<Self, CertificateError> {
        let certificate = Arc::new(CertificateResolver::load(cert, key)?);
        let unusable = |error: rustls::Error| CertificateError::Unusable {
            cert: cert.to_owned(),
            key: key.to_owned(),
            reason: error.to_string(),
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificate) as _);
        // A WebSocket begins as HTTP/1.1 (RFC 6455), and the server speaks no other protocol.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Tickets carry the session themselves: a cache would have to hold one for
        // each device that may come back.
        config.ticketer = ring::Ticketer::new().map_err(unusable)?;
        config.send_tls13_tickets = 1;
        Ok(Self {
            certificate,
            config: Arc::new(config),
        })
    }

    /// Reads the files again, for handshakes from now on; connections stay as they
    /// are.
    ///
    /// # Errors
    /// [`CertificateError`]; the certificate of before is used on.
    pub fn reload(&self) -> Result<(), CertificateError> {
        self.certificate.reload()
    }

    /// The handshake with a client, at most for this long.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        within: Duration,
    ) -> io::Result<TlsStream> {
        timeout(within, TlsStream::accept(stream, Arc::clone(&self.config)))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl std::fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerTls")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}
