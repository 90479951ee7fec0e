//! The certificate and its key, from PEM files that may be read anew.

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
    /// Certificate and key were read and do not make a pair, or are of a kind that
    /// is not known here.
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

    /// Reads the files again. On an error the certificate of before stays.
    pub(super) fn reload(&self) -> Result<(), CertificateError> {
        let read = Arc::new(load_certified_key(&self.cert, &self.key)?);
        *self.current.write() = read;
        Ok(())
    }
}

impl ResolvesServerCert for CertificateResolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read();
        Some(Arc::clone(&current))
    }
}

fn load_certified_key(cert: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    const CHAIN: &str = "certificate";
    let of_chain = |error| pem_error(cert, CHAIN, error);
    let chain: Vec<_> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(of_chain)?;
    if chain.is_empty() {
        return Err(of_chain(pem::Error::NoItemsFound));
    }
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| pem_error(key, "private key", error))?;
    CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| {
        CertificateError::Unusable {
            cert: cert.to_owned(),
            key: key.to_owned(),
            reason: describe_error(&error),
        }
    })
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

fn describe_error(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InconsistentKeys(_) => "the key is another certificate's".to_owned(),
        error => error.to_string(),
    }
}
