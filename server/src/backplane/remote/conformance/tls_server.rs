//! Servers with a certificate, before the brokers of the tests.

use std::{any::Any, net::SocketAddr, path::PathBuf, sync::Arc};

use highwater_services::Service;
use highwater_types::BrokerUrl;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use tokio_util::task::AbortOnDropHandle;

/// An authority, and a certificate for 127.0.0.1 that it signed.
pub(in crate::backplane) struct TestAuthority {
    /// The authority's certificate.
    pub(super) ca: String,
    folder: TempDir,
}

/// A broker's server with a certificate.
pub(in crate::backplane) struct TlsServer {
    pub(in crate::backplane) url: String,
    /// Ends the server when it is dropped.
    pub(in crate::backplane) _server: Box<dyn Any + Send>,
}

impl TestAuthority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let ca = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let folder = TempDir::new().unwrap();
        let authority = Self { ca, folder };
        std::fs::write(authority.certificate(), certificate.pem()).unwrap();
        std::fs::write(authority.key(), key.serialize_pem()).unwrap();
        authority
    }

    /// Returns the file of the server's certificate.
    pub(in crate::backplane) fn certificate(&self) -> PathBuf {
        self.folder.path().join("server.pem")
    }

    /// Returns the file of the server's key.
    pub(in crate::backplane) fn key(&self) -> PathBuf {
        self.folder.path().join("server.key")
    }

    fn server_config(&self) -> ServerConfig {
        let certificate = CertificateDer::from_pem_file(self.certificate()).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.key()).unwrap();
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap()
    }
}

/// Starts a proxy that ends TLS before a broker, for protocols that begin with it.
pub(super) async fn tls_proxy(broker: Arc<Service>, authority: &TestAuthority) -> TlsServer {
    let url = BrokerUrl::parse(&broker.url()).unwrap();
    let server = url.servers()[0].to_string();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy: SocketAddr = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(authority.server_config()));
    let to = server.clone();
    let accepting = tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, to) = (acceptor.clone(), to.clone());
            tokio::spawn(async move {
                // A client that rejects the certificate ends the handshake.
                if let Ok(mut client) = acceptor.accept(client).await {
                    let mut broker = TcpStream::connect(to).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut broker).await;
                }
            });
        }
    });
    let (plain, tls) = (url.kind().scheme(), url.kind().tls_scheme());
    let text = broker.url().replace(&server, &proxy.to_string());
    TlsServer {
        url: text.replace(&format!("{plain}://"), &format!("{tls}://")),
        _server: Box::new((broker, AbortOnDropHandle::new(accepting))),
    }
}
