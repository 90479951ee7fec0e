//! The reasons why TLS cannot be set up.

use std::path::PathBuf;

use rustls::client::VerifierBuilderError;

/// The reason why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsSetupError {
    /// A file in PEM cannot be read.
    #[error("cannot read the {content} in {}", path.display())]
    UnreadableFile {
        /// The content that was expected.
        content: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The text of the authorities holds no valid certificates.
    #[error("invalid authorities: {0}")]
    InvalidCaCertificates(String),
    /// The certificate of clients or its key is not valid.
    #[error("invalid client certificate: {0}")]
    InvalidClientCertificate(String),
    /// The address of the proxy is not valid.
    #[error("invalid proxy: expected http://HOST:PORT")]
    InvalidProxy,
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
