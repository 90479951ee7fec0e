//! Certificates in files of PEM (RFC 7468).

use std::path::PathBuf;

use rustls::pki_types::{CertificateDer, pem::PemObject};

use super::tls_error::TlsSetupError;

/// Reads a file in PEM; `content` says what it should hold.
pub(super) fn read_pem(file: &str, content: &'static str) -> Result<String, TlsSetupError> {
    let path = PathBuf::from(file);
    std::fs::read_to_string(&path).map_err(|source| TlsSetupError::UnreadableFile {
        content,
        path,
        source,
    })
}

/// Parses one certificate or more. The error is a reason in words.
pub(super) fn parse_certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match certificates {
        // The parser skips text that is not PEM, so a wrong file has no errors.
        Ok(certificates) if certificates.is_empty() => {
            Err("expected a certificate in PEM".to_owned())
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(error.to_string()),
    }
}
