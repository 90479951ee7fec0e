//! The check, before the load, that a target accepts connections.

use std::{sync::Arc, time::Duration};

use highwater_scenarios::plan::TargetSpec;
use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::http::Uri;

use super::error::RunError;
use crate::access::CertVerification;

/// Longest time that a target may take to accept a connection, and for a TLS handshake.
const REACH_TIMEOUT: Duration = Duration::from_secs(5);

/// Checks that each address of the target accepts a connection and has an accepted
/// certificate, before thousands of devices try.
pub(super) async fn check_reachable(
    target: &TargetSpec,
    tls_verify: &CertVerification,
) -> Result<(), RunError> {
    let tls = TlsConnector::from(Arc::new(tls_verify.client_config()?));
    for address in target.ws.iter().chain(&target.http) {
        check_address(address, &tls).await?;
    }
    Ok(())
}

async fn check_address(address: &str, tls: &TlsConnector) -> Result<(), RunError> {
    let unreachable = |reason: String| RunError::TargetUnreachable {
        address: address.to_owned(),
        reason,
    };
    let uri: Uri = address
        // Any id will do: nothing is sent to the address.
        .replace("{device}", "0")
        .parse()
        .map_err(|_| unreachable("it is not a URL".to_owned()))?;
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
    let tls_failed = |reason| RunError::TargetTlsFailed {
        address: address.to_owned(),
        reason,
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
) -> Result<(), String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    match timeout(REACH_TIMEOUT, tls.connect(name, stream)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer to the handshake".to_owned()),
    }
}
