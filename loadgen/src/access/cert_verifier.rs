//! The verification of a server's certificate.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        VerifierBuilderError, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

/// A verifier of certificates by a rule. Signatures are checked in any case, so that the server
/// must own the certificate's key.
#[derive(Debug)]
pub(super) struct CertVerifier {
    rule: CertRule,
    provider: Arc<CryptoProvider>,
}

/// The certificates that a verifier accepts.
#[derive(Debug)]
enum CertRule {
    /// Any certificate.
    Any,
    /// Certificates that named authorities have signed, and the named certificates themselves.
    ///
    /// `openssl req -x509` makes a certificate that is its own authority. That certificate
    /// alone is not a chain (RFC 5280, section 6.1), but a scenario that names it trusts it.
    Named {
        chains: Arc<WebPkiServerVerifier>,
        certificates: Vec<CertificateDer<'static>>,
    },
}

impl CertVerifier {
    /// Creates a verifier that accepts any certificate.
    pub(super) fn any(provider: Arc<CryptoProvider>) -> Self {
        Self {
            rule: CertRule::Any,
            provider,
        }
    }

    /// Creates a verifier that accepts what `roots` have signed, and `certificates` themselves.
    pub(super) fn named(
        roots: RootCertStore,
        certificates: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        let roots = Arc::new(roots);
        let chains = WebPkiServerVerifier::builder_with_provider(roots, provider.clone());
        let chains = chains.build()?;
        Ok(Self {
            rule: CertRule::Named {
                chains,
                certificates,
            },
            provider,
        })
    }
}

impl ServerCertVerifier for CertVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let CertRule::Named {
            chains,
            certificates,
        } = &self.rule
        else {
            return Ok(ServerCertVerified::assertion());
        };
        let chain = chains.verify_server_cert(certificate, intermediates, name, ocsp_response, now);
        let is_named = certificates.iter().any(|named| named == certificate);
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
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::ring;

    use super::*;

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
        let mut roots = RootCertStore::empty();
        roots.add(named.der().clone()).unwrap();
        let certificates = vec![named.der().clone()];
        let provider = Arc::new(ring::default_provider());
        let verifier = CertVerifier::named(roots, certificates, provider).unwrap();
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
}
