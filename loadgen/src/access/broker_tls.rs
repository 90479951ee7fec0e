//! TLS to brokers and to the bus.

use highwater_types::BrokerUrl;
use rustls::ClientConfig;

use super::{CertVerification, TlsSetupError};

/// Returns the settings of TLS to a broker's servers; `None` if the address does not use it.
///
/// # Errors
/// If the authorities' certificates are not valid.
pub(crate) fn broker_tls_config(url: &BrokerUrl) -> Result<Option<ClientConfig>, TlsSetupError> {
    if !url.is_tls() {
        return Ok(None);
    }
    let verification = match url.ca() {
        Some(pem) => CertVerification::CaCertificates {
            pem: pem.to_owned(),
        },
        None => CertVerification::SystemRoots,
    };
    let mut config = verification.client_config()?;
    // The protocol is not HTTP.
    config.alpn_protocols.clear();
    Ok(Some(config))
}
