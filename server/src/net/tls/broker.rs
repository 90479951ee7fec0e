//! TLS to a broker: which certificates a client accepts.

#[cfg(feature = "remote")]
use std::error::Error;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

#[cfg(any(feature = "nats", feature = "amqp"))]
use highwater_types::BrokerUrl;
#[cfg(any(feature = "nats", feature = "amqp"))]
use tokio_rustls::rustls::ClientConfig;
#[cfg(feature = "remote")]
use tokio_rustls::rustls::{self, crypto::ring};
use tokio_rustls::rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The authorities that sign the certificates of a broker's servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerCa {
    pem: Arc<str>,
}

/// The reason why authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BrokerCaError {
    /// The file cannot be read.
    #[error("cannot read the authorities in {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        reason: io::Error,
    },
    /// The text holds no valid certificates.
    #[error("invalid authorities in {}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The defect of the text.
        reason: String,
    },
}

impl BrokerCa {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// [`BrokerCaError`].
    pub fn from_file(path: &Path) -> Result<Self, BrokerCaError> {
        let pem = fs::read_to_string(path).map_err(|reason| BrokerCaError::Unreadable {
            path: path.to_owned(),
            reason,
        })?;
        root_store(&pem).map_err(|reason| BrokerCaError::Invalid {
            path: path.to_owned(),
            reason,
        })?;
        Ok(Self { pem: pem.into() })
    }

    pub(crate) fn pem(&self) -> Arc<str> {
        Arc::clone(&self.pem)
    }
}

fn root_store(pem: &str) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        store.add(certificate).map_err(|error| error.to_string())?;
    }
    // The iterator skips text that is not PEM, so a wrong file has no errors.
    match store.is_empty() {
        true => Err("expected a certificate in PEM".to_owned()),
        false => Ok(store),
    }
}

/// Returns the settings of a connection to a broker's server.
#[cfg(any(feature = "nats", feature = "amqp"))]
pub(crate) fn client_config(url: &BrokerUrl) -> Result<ClientConfig, String> {
    let roots = match url.ca() {
        Some(pem) => root_store(pem)?,
        None => machine_roots()?,
    };
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(any(feature = "nats", feature = "amqp"))]
fn machine_roots() -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    // Certificates that cannot be read are left out: a machine's store may hold some that
    // rustls does not know.
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match store.is_empty() {
        true => Err("this machine trusts no authority; hint: name one with --broker-ca".into()),
        false => Ok(store),
    }
}

/// The hint for a certificate that is not trusted.
#[cfg(feature = "remote")]
pub(crate) const REJECTED_CERTIFICATE_HINT: &str = "have the server's certificate signed by an \
     authority that this machine trusts, or name the authority with --broker-ca";

/// Whether rustls has rejected the certificate of a server.
#[cfg(feature = "remote")]
pub(crate) fn is_rejected_certificate(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        // The Redis client shares its causes.
        let shared = error.downcast_ref::<Arc<dyn Error + Send + Sync>>();
        let error: &(dyn Error + 'static) = match shared {
            Some(shared) => &**shared,
            None => error,
        };
        let rejection = inside_io_errors(error).downcast_ref::<rustls::Error>();
        if matches!(rejection, Some(rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        next = error.source();
    }
    false
}

/// Returns the error inside of one of the operating system, or inside of several. Such an error
/// does not name its content as its source.
#[cfg(feature = "remote")]
fn inside_io_errors<'e>(mut error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    while let Some(inner) = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        error = inner;
    }
    error
}

/// Installs ring as the process's cryptography, for libraries that ask for a default.
#[cfg(any(feature = "nats", feature = "redis"))]
pub(crate) fn install_ring_provider() {
    // An error says that another provider is installed: libraries then use that one.
    let _ = ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_without_a_certificate_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let missing = BrokerCa::from_file(&path).unwrap_err().to_string();
        assert!(
            missing.starts_with("cannot read the authorities in"),
            "{missing}"
        );
        fs::write(&path, "no certificate").unwrap();
        let empty = BrokerCa::from_file(&path).unwrap_err().to_string();
        assert!(empty.ends_with("expected a certificate in PEM"), "{empty}");
    }
}
