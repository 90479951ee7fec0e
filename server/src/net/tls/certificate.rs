//! The certificate and its key, from PEM files that can be read again.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::RwLock;
use tokio_rustls::rustls::{
    self,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

/// The reason why a certificate or its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file does not hold the expected kind of PEM block.
    #[error("{} holds no {expected} in PEM: {reason}", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// A certificate, or a private key.
        expected: &'static str,
        /// The defect of the file.
        reason: String,
    },
    /// Certificate and key do not match, or their kind is not supported.
    #[error("{} and {} cannot be used together: {reason}", cert.display(), key.display())]
    Unusable {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// The reason.
        reason: String,
    },
}

/// The certificate that handshakes use now.
#[derive(Debug)]
pub(super) struct CertificateResolver {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl CertificateResolver {
    pub(super) fn load(cert: &Path, key: &Path) -> Result<Self, CertificateError> {
        Ok(Self {
            current: RwLock::new(Arc::new(load_certified_key(cert, key)?)),
            cert: cert.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Reads the files again. On an error the previous certificate stays in use.
    pub(super) fn reload(&self) -> Result<(), CertificateError> {
        // Read before the lock, so that no handshake waits for a slow disk.
        let certified_key = Arc::new(load_certified_key(&self.cert, &self.key)?);
        *self.current.write() = certified_key;
        Ok(())
    }
}

impl ResolvesServerCert for CertificateResolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read()))
    }
}

fn load_certified_key(cert: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        // An iterator of a file without certificates is empty, and not an error.
        .and_then(|chain: Vec<_>| match chain.is_empty() {
            true => Err(pem::Error::NoItemsFound),
            false => Ok(chain),
        })
        .map_err(|error| pem_error(cert, "certificate", error))?;
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| pem_error(key, "private key", error))?;
    CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| {
        let reason = match error {
            rustls::Error::InconsistentKeys(_) => "the key is another certificate's".to_owned(),
            error => error.to_string(),
        };
        unusable(cert, key, reason)
    })
}

/// Returns the error of a pair that was read and cannot be used.
pub(super) fn unusable(cert: &Path, key: &Path, reason: String) -> CertificateError {
    CertificateError::Unusable {
        cert: cert.to_owned(),
        key: key.to_owned(),
        reason,
    }
}

fn pem_error(path: &Path, expected: &'static str, error: pem::Error) -> CertificateError {
    let path = path.to_owned();
    match error {
        pem::Error::Io(source) => CertificateError::Unreadable { path, source },
        error => CertificateError::NotPem {
            path,
            expected,
            reason: error.to_string(),
        },
    }
}
