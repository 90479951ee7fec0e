//! The certificates that clients accept.
//!
//! One configuration serves sockets, commands, scrapes and requests to nodes. It always
//! uses ring's cryptography, also if another provider is linked in.

use std::{fmt::Display, sync::Arc};

use highwater_scenarios::plan;
use reqwest::{Client, ClientBuilder, redirect::Policy};
use rustls::{
    ClientConfig, RootCertStore, client::Resumption, crypto::ring, pki_types::CertificateDer,
};
use serde::{Deserialize, Serialize};

use super::{
    cert_verifier::CertVerifier,
    client_identity::ClientIdentity,
    pem::{parse_certificates, read_pem},
    tls_error::TlsSetupError,
};

/// The certificates that clients accept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertVerification {
    /// No certificates: no address uses TLS.
    #[default]
    NoTls,
    /// Certificates signed by the machine's authorities. On a machine without any, those
    /// signed by Mozilla's authorities as of the build.
    SystemRoots,
    /// Certificates signed by these authorities, and these certificates themselves.
    CaCertificates {
        /// The authorities' certificates in PEM.
        pem: String,
    },
    /// All certificates, unverified.
    Insecure,
}

impl CertVerification {
    /// Reads the certificates that a target's plan names.
    ///
    /// # Errors
    /// If a file cannot be read, or holds no valid certificates.
    pub fn from_target(target: &plan::TargetSpec) -> Result<Self, TlsSetupError> {
        let verification = match &target.trust {
            plan::CertificateTrust::Machine => Self::SystemRoots,
            plan::CertificateTrust::Anybody => Self::Insecure,
            plan::CertificateTrust::Authorities { file } => {
                let pem = read_pem(file, "authorities")?;
                Self::CaCertificates { pem }
            }
        };
        // Found invalid here, they end the run before anything is started.
        verification.client_config()?;
        Ok(verification)
    }

    /// Builds the client's TLS configuration, for HTTP/1.1.
    ///
    /// # Errors
    /// If the authorities' certificates are not valid.
    pub fn client_config(&self) -> Result<ClientConfig, TlsSetupError> {
        self.client_config_for(None)
    }

    /// Builds the TLS configuration of a client that shows a certificate, if it has one.
    ///
    /// # Errors
    /// If certificates are not valid, or the key is not the certificate's.
    pub(super) fn client_config_for(
        &self,
        identity: Option<&ClientIdentity>,
    ) -> Result<ClientConfig, TlsSetupError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let builder = match self {
            Self::Insecure => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(CertVerifier::any(provider))),
            Self::CaCertificates { pem } => {
                let (roots, certificates) = (self.root_store()?, parse_authorities(pem)?);
                let verifier = CertVerifier::named(roots, certificates, provider)?;
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(verifier))
            }
            verified => builder.with_root_certificates(verified.root_store()?),
        };
        let mut configuration = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = identity.parse()?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| TlsSetupError::InvalidClientCertificate(error.to_string()))?
            }
        };
        configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Each socket stands for a device of its own, which cannot know another's session.
        // The devices of a worker share this configuration: with resumption, most would
        // skip the handshake that a real device pays for.
        configuration.resumption = Resumption::disabled();
        Ok(configuration)
    }

    /// Builds an HTTP client that accepts these certificates, with the settings that
    /// `configure` adds.
    ///
    /// # Errors
    /// If the authorities' certificates or a setting are not valid.
    pub fn http_client(
        &self,
        configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, TlsSetupError> {
        self.http_client_for(None, configure)
    }

    /// Builds an HTTP client as [`http_client`](Self::http_client) does, which shows a
    /// certificate if it has one.
    ///
    /// # Errors
    /// If certificates or a setting are not valid.
    pub(super) fn http_client_for(
        &self,
        identity: Option<&ClientIdentity>,
        configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, TlsSetupError> {
        let client = Client::builder()
            // A proxy of the environment would be measured instead of the system.
            .no_proxy()
            // Load goes to the hosts that the scenario names. A redirect could turn it on
            // another, and its answer would not be that of the request that was measured.
            .redirect(Policy::none())
            .tls_backend_preconfigured(self.client_config_for(identity)?);
        Ok(configure(client).build()?)
    }

    fn root_store(&self) -> Result<RootCertStore, TlsSetupError> {
        let mut store = RootCertStore::empty();
        match self {
            Self::NoTls | Self::Insecure => {}
            Self::SystemRoots => {
                // Certificates that cannot be read are left out: a machine's store may
                // hold some that rustls does not know.
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if store.is_empty() {
                    store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                }
            }
            Self::CaCertificates { pem } => {
                for certificate in parse_authorities(pem)? {
                    let added = store.add(certificate);
                    added.map_err(|error| invalid_certificates(&error))?;
                }
            }
        }
        Ok(store)
    }
}

fn parse_authorities(pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsSetupError> {
    parse_certificates(pem).map_err(|error| invalid_certificates(&error))
}

fn invalid_certificates(error: &dyn Display) -> TlsSetupError {
    TlsSetupError::InvalidCaCertificates(error.to_string())
}

/// Installs ring as the process's cryptography, for libraries that ask for a default.
pub fn install_ring_provider() {
    // An error says that another provider is installed: libraries then use that one.
    let _ = ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_certificates_is_an_error() {
        let error = |pem: &str| {
            let pem = pem.to_owned();
            let verification = CertVerification::CaCertificates { pem };
            verification.client_config().unwrap_err().to_string()
        };
        assert_eq!(
            error("hello"),
            "invalid authorities: expected a certificate in PEM"
        );
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(error(broken).starts_with("invalid authorities: "));
    }

    #[tokio::test]
    async fn http_client_follows_no_redirect() {
        use tokio::{
            io::{AsyncReadExt, AsyncWriteExt},
            net::TcpListener,
        };

        let [redirecting, third_party] = [
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
        ];
        let url = |listener: &TcpListener| format!("http://{}/", listener.local_addr().unwrap());
        // Commands, publications, samples, requests to nodes and monitors of brokers all use
        // a client from here.
        let client = CertVerification::NoTls.http_client(|client| client);
        let request = client.unwrap().get(url(&redirecting)).send();
        let answer = async {
            let (mut stream, _) = redirecting.accept().await.unwrap();
            // A client takes no answer before it has sent its request.
            assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
            let head = format!(
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
                url(&third_party)
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stream
        };
        let (response, _stream) = tokio::join!(request, answer);
        assert_eq!(response.unwrap().status(), 307);
        tokio::select! {
            biased;
            _ = third_party.accept() => panic!("the redirect was followed"),
            () = std::future::ready(()) => {}
        }
    }

    #[test]
    fn machine_without_authorities_gets_mozillas() {
        let roots = |verification: CertVerification| verification.root_store().unwrap().len();
        assert!(roots(CertVerification::SystemRoots) > 0);
        assert_eq!(roots(CertVerification::NoTls), 0);
    }
}
