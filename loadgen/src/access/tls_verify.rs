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
pub enum Trust {
    /// Nobody's: no address wants TLS.
    #[default]
    Nobody,
    /// Those that the authorities of this machine vouch for; on a machine without
    /// any, Mozilla's as they were when this was built.
    Machine,
    /// Those that these authorities vouch for.
    Authorities {
        /// Their certificates.
        pem: String,
    },
    /// Anybody's, unverified.
    Anybody,
}

/// Why certificates cannot be verified.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file of authorities cannot be read.
    #[error("cannot read the authorities in {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What should be certificates is something else.
    #[error("the authorities' certificates are not usable: {0}")]
    NotAuthorities(String),
    /// The TLS library refuses.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The HTTP library refuses.
    #[error("the HTTP client could not be built")]
    Http(#[from] reqwest::Error),
}

impl Trust {
    /// Reads what a target's plan names.
    ///
    /// # Errors
    /// If a file cannot be read, or holds no certificates.
    pub fn of_target(target: &plan::Target) -> Result<Self, TrustError> {
        let trust = match &target.trust {
            plan::Trust::Machine => Self::Machine,
            plan::Trust::Anybody => Self::Anybody,
            plan::Trust::Authorities { file } => {
                let path = PathBuf::from(file);
                match std::fs::read_to_string(&path) {
                    Ok(pem) => Self::Authorities { pem },
                    Err(source) => return Err(TrustError::Unreadable { path, source }),
                }
            }
        };
        trust.configuration()?;
        Ok(trust)
    }

    /// The client's side of TLS, for HTTP/1.1.
    ///
    /// # Errors
    /// If the authorities' certificates are not usable.
    pub fn configuration(&self) -> Result<ClientConfig, TrustError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let mut configuration = match self {
            Self::Anybody => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Unverified(provider)))
                .with_no_client_auth(),
            verified => builder
                .with_root_certificates(verified.authorities()?)
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
        settle: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, TrustError> {
        let client = Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(self.configuration()?);
        Ok(settle(client).build()?)
    }

    fn authorities(&self) -> Result<RootCertStore, TrustError> {
        let mut store = RootCertStore::empty();
        match self {
            Self::Nobody | Self::Anybody => {}
            Self::Machine => {
                // What cannot be read is left out: a machine's store may hold
                // certificates that are not known here.
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if store.is_empty() {
                    store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                }
            }
            Self::Authorities { pem } => {
                let unusable = |reason: String| TrustError::NotAuthorities(reason);
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
pub fn prefer_ring() {
    // Somebody was first: then there is one, which is all that is needed.
    let _ = ring::default_provider().install_default();
}

/// Takes any certificate; that its owner signs is still checked.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
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
            let trust = Trust::Authorities {
                pem: pem.to_owned(),
            };
            trust.configuration().unwrap_err().to_string()
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
        assert!(!Trust::Machine.authorities().unwrap().is_empty());
        assert!(Trust::Nobody.authorities().unwrap().is_empty());
    }
}
