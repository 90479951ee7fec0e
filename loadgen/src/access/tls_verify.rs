//! Whose certificates are taken.
//!
//! One configuration serves sockets, commands, scrapes and the questions to
//! nodes. It uses ring's cryptography, whatever else is linked in.

use std::{path::PathBuf, sync::Arc};

use highwater_scenarios::plan;
use reqwest::{Client, ClientBuilder};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use serde::{Deserialize, Serialize};

/// Whose certificates are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertVerification {
    /// Nobody's: no address wants TLS.
    #[default]
    NoTls,
    /// Those that the authorities of this machine vouch for; on a machine without
    /// any, Mozilla's as they were when this was built.
    SystemRoots,
    /// Those that these authorities vouch for.
    CaCertificates {
        /// Their certificates.
        pem: String,
    },
    /// Anybody's, unverified.
    Insecure,
}

/// Why certificates cannot be verified.
#[derive(Debug, thiserror::Error)]
pub enum TlsSetupError {
    /// The file of authorities cannot be read.
    #[error("cannot read the authorities in {}", path.display())]
    UnreadableCaFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What should be certificates is something else.
    #[error("the authorities' certificates are not usable: {0}")]
    InvalidCaCertificates(String),
    /// The TLS library refuses.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The HTTP library refuses.
    #[error("the HTTP client could not be built")]
    Http(#[from] reqwest::Error),
}

impl CertVerification {
    /// Reads what a target's plan names.
    ///
    /// # Errors
    /// If a file cannot be read, or holds no certificates.
    pub fn from_target(target: &plan::TargetSpec) -> Result<Self, TlsSetupError> {
        let trust = match &target.trust {
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
        trust.client_config()?;
        Ok(trust)
    }

    /// The client's side of TLS, for HTTP/1.1.
    ///
    /// # Errors
    /// If the authorities' certificates are not usable.
    pub fn client_config(&self) -> Result<ClientConfig, TlsSetupError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let mut configuration = match self {
            Self::Insecure => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AcceptAnyCertificate(provider)))
                .with_no_client_auth(),
            verified => builder
                .with_root_certificates(verified.root_store()?)
                .with_no_client_auth(),
        };
        configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Each socket stands for a device of its own, which cannot know another's
        // session: each pays for a whole handshake.
        configuration.resumption = Resumption::disabled();
        Ok(configuration)
    }

    /// An HTTP client that takes these certificates, with what `settle` adds.
    ///
    /// # Errors
    /// If the authorities' certificates are not usable, or a setting is not.
    pub fn http_client(
        &self,
        configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, TlsSetupError> {
        let client = Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(self.client_config()?);
        Ok(configure(client).build()?)
    }

    fn root_store(&self) -> Result<RootCertStore, TlsSetupError> {
        let mut store = RootCertStore::empty();
        match self {
            Self::NoTls | Self::Insecure => {}
            Self::SystemRoots => {
                // What cannot be read is left out: a machine's store may hold
                // certificates that are not known here.
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if store.is_empty() {
                    store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                }
            }
            Self::CaCertificates { pem } => {
                let unusable = |reason: String| TlsSetupError::InvalidCaCertificates(reason);
                for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                    let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
                    store
                        .add(certificate)
                        .map_err(|error| unusable(error.to_string()))?;
                }
                if store.is_empty() {
                    return Err(unusable("there is no certificate in PEM".to_owned()));
                }
            }
        }
        Ok(store)
    }
}

/// Makes ring the process's cryptography for libraries that ask for a default.
pub fn install_ring_provider() {
    // Somebody was first: then there is one, which is all that is needed.
    let _ = ring::default_provider().install_default();
}

/// Takes any certificate; that its owner signs is still checked.
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
    fn what_is_no_authority_is_told() {
        let told = |pem: &str| {
            let trust = CertVerification::CaCertificates {
                pem: pem.to_owned(),
            };
            trust.client_config().unwrap_err().to_string()
        };
        assert_eq!(
            told("hello"),
            "the authorities' certificates are not usable: there is no certificate in PEM"
        );
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(told(broken).starts_with("the authorities' certificates are not usable: "));
    }

    #[test]
    fn without_a_machine_s_authorities_there_are_mozilla_s() {
        assert!(
            !CertVerification::SystemRoots
                .root_store()
                .unwrap()
                .is_empty()
        );
        assert!(CertVerification::NoTls.root_store().unwrap().is_empty());
    }
}
