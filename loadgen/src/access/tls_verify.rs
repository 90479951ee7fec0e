//! The certificates that clients accept.
//!
//! One configuration serves sockets, commands, scrapes and requests to nodes. It always
//! uses ring's cryptography, also if another provider is linked in.

use std::{fmt::Display, path::PathBuf, sync::Arc};

use highwater_scenarios::plan;
use reqwest::{Client, ClientBuilder, redirect::Policy};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        Resumption, VerifierBuilderError, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};
use serde::{Deserialize, Serialize};

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

/// The reason why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsSetupError {
    /// The file of authorities cannot be read.
    #[error("cannot read the authorities in {}", path.display())]
    UnreadableCaFile {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The text of the authorities holds no valid certificates.
    #[error("invalid authorities: {0}")]
    InvalidCaCertificates(String),
    /// The TLS library rejects the settings.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The TLS library rejects the authorities.
    #[error("cannot set up the authorities")]
    Verifier(#[from] VerifierBuilderError),
    /// The HTTP library rejects the settings.
    #[error("cannot build the HTTP client")]
    Http(#[from] reqwest::Error),
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
                let path = PathBuf::from(file);
                match std::fs::read_to_string(&path) {
                    Ok(pem) => Self::CaCertificates { pem },
                    Err(source) => return Err(TlsSetupError::UnreadableCaFile { path, source }),
                }
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
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let mut configuration = match self {
            Self::Insecure => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AcceptAnyCertificate(provider)))
                .with_no_client_auth(),
            Self::CaCertificates { pem } => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(NamedCertificates {
                    chains: WebPkiServerVerifier::builder_with_provider(
                        Arc::new(self.root_store()?),
                        provider,
                    )
                    .build()?,
                    certificates: parse_pem(pem)?,
                }))
                .with_no_client_auth(),
            verified => builder
                .with_root_certificates(verified.root_store()?)
                .with_no_client_auth(),
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
        let client = Client::builder()
            // A proxy of the environment would be measured instead of the system.
            .no_proxy()
            // Load goes to the hosts that the scenario names. A redirect could turn it on
            // another, and its answer would not be that of the request that was measured.
            .redirect(Policy::none())
            .tls_backend_preconfigured(self.client_config()?);
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
                for certificate in parse_pem(pem)? {
                    let added = store.add(certificate);
                    added.map_err(|error| invalid_certificates(&error))?;
                }
                // The parser skips text that is not PEM, so a wrong file has no errors.
                if store.is_empty() {
                    return Err(invalid_certificates(&"expected a certificate in PEM"));
                }
            }
        }
        Ok(store)
    }
}

fn parse_pem(pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsSetupError> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .map(|certificate| certificate.map_err(|error| invalid_certificates(&error)))
        .collect()
}

fn invalid_certificates(error: &dyn Display) -> TlsSetupError {
    TlsSetupError::InvalidCaCertificates(error.to_string())
}

/// Installs ring as the process's cryptography, for libraries that ask for a default.
pub fn install_ring_provider() {
    // An error says that another provider is installed: libraries then use that one.
    let _ = ring::default_provider().install_default();
}

/// A verifier that accepts what named authorities have signed, and the named certificates
/// themselves.
///
/// `openssl req -x509` makes a certificate that is its own authority. That certificate alone
/// is not a chain (RFC 5280, section 6.1), but a scenario that names it trusts it.
#[derive(Debug)]
struct NamedCertificates {
    chains: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for NamedCertificates {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain =
            self.chains
                .verify_server_cert(certificate, intermediates, name, ocsp_response, now);
        let is_named = self.certificates.iter().any(|named| named == certificate);
        match chain {
            // The period of validity is checked before the chain, so that an expired
            // certificate has another error.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::Other(_),
            )) if is_named => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            chain => chain,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// A verifier that accepts any certificate. Signatures are still checked, so that the
/// server must own the certificate's key.
#[derive(Debug)]
struct AcceptAnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
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

    /// Returns the certificate of `openssl req -x509` for localhost, which is its own
    /// authority, or the same without the bit of an authority.
    fn self_signed(is_ca: bool, days: i64) -> rcgen::Certificate {
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        if is_ca {
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        let year = chrono::Datelike::year(&(chrono::Utc::now() + chrono::Duration::days(days)));
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap()
    }

    fn verify(
        named: &rcgen::Certificate,
        shown: &rcgen::Certificate,
        name: &'static str,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let pem = named.pem();
        let certificates = parse_pem(&pem).unwrap();
        let roots = CertVerification::CaCertificates { pem }.root_store();
        let provider = Arc::new(ring::default_provider());
        let chains = Arc::new(roots.unwrap());
        let chains = WebPkiServerVerifier::builder_with_provider(chains, provider);
        let verifier = NamedCertificates {
            chains: chains.build().unwrap(),
            certificates,
        };
        let name = ServerName::try_from(name).unwrap();
        verifier.verify_server_cert(shown.der(), &[], &name, &[], UnixTime::now())
    }

    #[test]
    fn named_certificate_is_accepted_for_its_names_until_it_expires() {
        for is_ca in [true, false] {
            let named = self_signed(is_ca, 800);
            assert!(verify(&named, &named, "localhost").is_ok(), "{is_ca}");
            assert!(verify(&named, &named, "other.test").is_err());
            let other = self_signed(is_ca, 800);
            assert!(verify(&named, &other, "localhost").is_err());
            let expired = self_signed(is_ca, -800);
            assert!(verify(&expired, &expired, "localhost").is_err());
        }
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
