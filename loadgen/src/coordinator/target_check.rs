//! The check, before the load, that a target accepts connections.

use std::{io, time::Duration};

use highwater_scenarios::{Plan, secrets::mask_address};
use rustls::{CertificateError, pki_types::ServerName};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use super::error::{RunError, TlsFailure};
use crate::access::{
    ClientAccess, ClientOptions, http_proxy::TunnelError, server_name::unbracketed,
};

/// Longest time that a target may take to accept a connection, and for a TLS handshake.
const REACH_TIMEOUT: Duration = Duration::from_secs(5);

/// Checks that each address of the target and of its logins accepts a connection and has an
/// accepted certificate, before thousands of devices try.
pub(super) async fn check_reachable(plan: &Plan, access: &ClientAccess) -> Result<(), RunError> {
    let options = ClientOptions::new(access)?;
    for address in plan.target_addresses() {
        check_address(address, &options).await?;
    }
    Ok(())
}

async fn check_address(address: &str, options: &ClientOptions) -> Result<(), RunError> {
    // Errors show the address as it is written, without values.
    let unreachable = |reason: String| RunError::TargetUnreachable {
        address: mask_address(address),
        reason,
    };
    // Nothing is sent to the address, so that its path does not matter.
    let uri = options.environment().origin(address)?;
    let host = uri.host().unwrap_or_default();
    let secure = matches!(uri.scheme_str(), Some("wss" | "https"));
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let stream = match timeout(REACH_TIMEOUT, open_connection(host, port, options)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(unreachable(error.to_string())),
        Err(_) => return Err(unreachable("no answer".to_owned())),
    };
    let tls_failed = |(kind, reason)| RunError::TargetTlsFailed {
        address: mask_address(address),
        kind,
        reason,
    };
    match secure {
        true => check_tls_handshake(options.tls(), options.server_name(host), stream)
            .await
            .map_err(tls_failed),
        false => Ok(()),
    }
}

/// Connects as clients do: through the proxy, if there is one.
async fn open_connection(
    host: &str,
    port: u16,
    options: &ClientOptions,
) -> Result<TcpStream, TunnelError> {
    let Some(proxy) = options.proxy() else {
        return Ok(TcpStream::connect((unbracketed(host), port)).await?);
    };
    let mut stream = TcpStream::connect(&proxy.authority)
        .await
        .map_err(TunnelError::Unreachable)?;
    proxy
        .open_tunnel(&mut stream, &format!("{host}:{port}"))
        .await?;
    Ok(stream)
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
    use crate::access::{CertVerification, HttpProxy};

    #[tokio::test]
    async fn proxy_that_does_not_answer_is_named() {
        let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = unused.local_addr().unwrap().to_string();
        drop(unused);
        let access = ClientAccess {
            proxy: Some(HttpProxy {
                authority,
                credentials: None,
            }),
            ..ClientAccess::default()
        };
        let options = ClientOptions::new(&access).unwrap();
        let error = check_address("ws://home.invalid/ws", &options).await;
        let text = error.unwrap_err().to_string();
        let expected =
            "the target does not answer at ws://home.invalid/ws: cannot reach the proxy: ";
        assert!(text.starts_with(expected), "{text}");
    }

    #[tokio::test]
    async fn server_without_tls_has_a_hint_of_its_own() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            stream
        });
        let access = ClientAccess {
            tls_verify: CertVerification::Insecure,
            ..ClientAccess::default()
        };
        let address = format!("wss://localhost:{port}/ws");
        let options = ClientOptions::new(&access).unwrap();
        let error = check_address(&address, &options).await.unwrap_err();
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
