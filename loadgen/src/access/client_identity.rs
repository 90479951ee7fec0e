//! The certificate that clients show (mutual TLS).

use highwater_scenarios::plan;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde::{Deserialize, Serialize};

use super::{
    SecretString,
    pem::{parse_certificates, read_pem},
    tls_error::TlsSetupError,
};

/// A certificate with its private key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientIdentity {
    /// The certificate, and those between it and its authority.
    pub certificate_pem: String,
    /// The private key.
    pub key_pem: SecretString,
}

impl ClientIdentity {
    /// Reads the files that a target's plan names; `None` if clients show no certificate.
    ///
    /// # Errors
    /// If a file cannot be read, or holds no valid certificate or key.
    pub fn from_target(target: &plan::TargetSpec) -> Result<Option<Self>, TlsSetupError> {
        let Some(files) = &target.client_certificate else {
            return Ok(None);
        };
        let identity = Self {
            certificate_pem: read_pem(&files.certificate, "client's certificate")?,
            key_pem: read_pem(&files.key, "client's private key")?.into(),
        };
        identity.parse()?;
        Ok(Some(identity))
    }

    /// Parses the certificates and the key.
    pub(super) fn parse(
        &self,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsSetupError> {
        let chain = parse_certificates(&self.certificate_pem).map_err(invalid)?;
        // The parser's error may quote the text, which is secret.
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.expose_secret().as_bytes());
        let reason = "expected a private key in PEM, without a password";
        let key = key.map_err(|_| invalid(reason.to_owned()))?;
        Ok((chain, key))
    }
}

fn invalid(reason: String) -> TlsSetupError {
    TlsSetupError::InvalidClientCertificate(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::CertVerification;

    fn pair() -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(["device".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn identity(certificate_pem: &str, key_pem: &str) -> ClientIdentity {
        ClientIdentity {
            certificate_pem: certificate_pem.to_owned(),
            key_pem: key_pem.to_owned().into(),
        }
    }

    #[test]
    fn key_belongs_to_its_certificate_and_is_hidden() {
        let ((certificate, key), (_, other_key)) = (pair(), pair());
        let configure = |certificate: &str, key: &str| {
            let identity = identity(certificate, key);
            assert!(!format!("{identity:?}").contains("PRIVATE"));
            CertVerification::SystemRoots.client_config_for(Some(&identity))
        };
        let config = configure(&certificate, &key).unwrap();
        assert!(config.client_auth_cert_resolver.has_certs());
        for (certificate, key, reason) in [
            (certificate.as_str(), other_key.as_str(), "keys may not"),
            ("hello", &key, "expected a certificate in PEM"),
            (&certificate, "hello", "expected a private key in PEM"),
            (&certificate, &certificate, "expected a private key in PEM"),
        ] {
            let error = configure(certificate, key).unwrap_err().to_string();
            let expected = format!("invalid client certificate: {reason}");
            assert!(error.starts_with(&expected), "{error}");
        }
    }
}
