//! The check, before the load, that a target accepts connections.

use std::{io, sync::Arc, time::Duration};

use highwater_scenarios::Plan;
use rustls::{CertificateError, pki_types::ServerName};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use super::error::{RunError, TlsFailure};
use crate::access::{ClientAccess, Environment};

/// Longest time that a target may take to accept a connection, and for a TLS handshake.
const REACH_TIMEOUT: Duration = Duration::from_secs(5);

/// Checks that each address of the target and of its logins accepts a connection and has an accepted
/// certificate, before thousands of devices try.
pub(super) async fn check_reachable(plan: &Plan, access: &ClientAccess) -> Result<(), RunError> {
    let tls = TlsConnector::from(Arc::new(access.tls_verify.client_config()?));
    for address in plan.target_addresses() {
        check_address(address, &access.environment, &tls).await?;
    }
    Ok(())
}

async fn check_address(
    address: &str,
    environment: &Environment,
    tls: &TlsConnector,
) -> Result<(), RunError> {
    // Errors show the address as written, without the values of variables.
    let unreachable = |reason: String| RunError::TargetUnreachable {
        address: address.to_owned(),
        reason: environment.redact(&reason),
    };
    // Nothing is sent to the address, so that its path does not matter.
    let uri = environment.origin(address)?;
    let host = uri.host().unwrap_or_default();
    // IPv6 addresses stand in brackets in a URI only.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let secure = matches!(uri.scheme_str(), Some("wss" | "https"));
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let stream = match timeout(REACH_TIMEOUT, TcpStream::connect((host, port))).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(unreachable(error.to_string())),
        Err(_) => return Err(unreachable("no answer".to_owned())),
    };
    let tls_failed = |(kind, reason): (TlsFailure, String)| RunError::TargetTlsFailed {
        address: address.to_owned(),
        kind,
        reason: environment.redact(&reason),
    };
    match secure {
        true => check_tls_handshake(tls, host, stream)
            .await
            .map_err(tls_failed),
        false => Ok(()),
    }
}

async fn check_tls_handshake(
    tls: &TlsConnector,
    host: &str,
    stream: TcpStream,
) -> Result<(), (TlsFailure, String)> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| (TlsFailure::Other, error.to_string()))?;
    match timeout(REACH_TIMEOUT, tls.connect(name, stream)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err((kind_of(&error), error.to_string())),
        Err(_) => Err((TlsFailure::NoTls, "no answer to the handshake".to_owned())),
    }
}

/// Returns the kind of a failed handshake, which decides what the user can do.
fn kind_of(error: &io::Error) -> TlsFailure {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(rustls::Error::InvalidMessage(_)) => TlsFailure::NoTls,
        Some(rustls::Error::InvalidCertificate(certificate)) => match certificate {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsFailure::WrongName
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsFailure::NotValidNow,
            _ => TlsFailure::UntrustedCertificate,
        },
        _ => TlsFailure::Other,
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt, net::TcpListener};

    use super::*;

    #[tokio::test]
    async fn server_without_tls_has_a_hint_of_its_own() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            stream
        });
        let tls = crate::access::CertVerification::Insecure
            .client_config()
            .unwrap();
        let address = format!("wss://localhost:{port}/ws");
        let tls = TlsConnector::from(Arc::new(tls));
        let error = check_address(&address, &Environment::default(), &tls)
            .await
            .unwrap_err();
        let kind = match &error {
            RunError::TargetTlsFailed { kind, .. } => *kind,
            other => panic!("{other}"),
        };
        assert_eq!(kind, TlsFailure::NoTls);
        assert!(error.hint().unwrap().contains("ws:// or http://"));
        drop(server.await);
    }

    #[test]
    fn certificate_for_another_name_is_told_from_an_untrusted_one() {
        let kind = |certificate| {
            let error = rustls::Error::InvalidCertificate(certificate);
            kind_of(&io::Error::new(io::ErrorKind::InvalidData, error))
        };
        assert_eq!(
            kind(CertificateError::NotValidForName),
            TlsFailure::WrongName
        );
        assert_eq!(kind(CertificateError::Expired), TlsFailure::NotValidNow);
        assert_eq!(
            kind(CertificateError::UnknownIssuer),
            TlsFailure::UntrustedCertificate
        );
        let reset = io::ErrorKind::ConnectionReset.into();
        assert_eq!(kind_of(&reset), TlsFailure::Other);
    }
}
