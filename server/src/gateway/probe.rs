//! The health checks of one incarnation of a node.

use std::{io, sync::Arc, time::Duration};

use axum::body::Body;
use hyper::{Request, StatusCode, header};
use nix::errno::Errno;
use tokio::time::{Instant, sleep, timeout};

use super::{
    health::{Health, ProbeResult},
    state::GatewayState,
    upstream::Upstream,
};

/// Time that a node has to answer. A hung node is down after two checks.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Checks until the incarnation is no longer a backend.
pub(super) async fn probe_loop(gateway: Arc<GatewayState>, upstream: Arc<Upstream>) {
    let backends = &gateway.backends;
    loop {
        let checked = match timeout(PROBE_TIMEOUT, send_probe(&upstream)).await {
            Ok(answer) => classify_response(answer),
            Err(_) => ProbeResult::Failed,
        };
        let Some(health) = backends.record_probe(&upstream, checked, Instant::now()) else {
            return;
        };
        // Still up after one failure: the second check, which decides, follows at once.
        if checked != ProbeResult::Failed || !matches!(health, Health::Up { .. }) {
            sleep(gateway.config.health_interval).await;
        }
    }
}

async fn send_probe(upstream: &Upstream) -> io::Result<StatusCode> {
    // A new connection, because the check has to show that the node accepts connections.
    let mut sender = upstream.connect(PROBE_TIMEOUT).await?;
    let request = Request::get("/readyz")
        .header(header::HOST, &upstream.address)
        .header(header::CONNECTION, "close")
        .body(Body::empty())
        .map_err(io::Error::other)?;
    let response = sender.send_request(request).await;
    Ok(response.map_err(io::Error::other)?.status())
}

fn classify_response(answer: io::Result<StatusCode>) -> ProbeResult {
    match answer {
        Ok(StatusCode::SERVICE_UNAVAILABLE) => ProbeResult::NotReady,
        // With an admin listener, the public one answers 404, which shows that it serves.
        Ok(status) if status.is_success() || status == StatusCode::NOT_FOUND => ProbeResult::Ready,
        Ok(_) => ProbeResult::Failed,
        Err(error) => classify_error(&error),
    }
}

/// Classifies the error of a connection to a node.
pub(super) fn classify_error(error: &io::Error) -> ProbeResult {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ProbeResult::Refused,
        // It says nothing about the node: otherwise a gateway without files would take all its
        // nodes for dead.
        _ if is_local_error(error) => ProbeResult::NotAttempted,
        _ => ProbeResult::Failed,
    }
}

/// Whether this host had no free file, port or memory.
fn is_local_error(error: &io::Error) -> bool {
    let known = [
        Errno::EMFILE,
        Errno::ENFILE,
        Errno::EADDRNOTAVAIL,
        Errno::EADDRINUSE,
        Errno::ENOBUFS,
        Errno::ENOMEM,
    ];
    let number = error.raw_os_error().map(Errno::from_raw);
    number.is_some_and(|number| known.contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_or_error_has_its_result() {
        let of = |status: u16| classify_response(Ok(StatusCode::from_u16(status).unwrap()));
        assert_eq!([of(200), of(404)], [ProbeResult::Ready; 2]);
        assert_eq!(of(503), ProbeResult::NotReady);
        assert_eq!([of(500), of(400)], [ProbeResult::Failed; 2]);
        let timed_out = classify_response(Err(io::ErrorKind::TimedOut.into()));
        assert_eq!(timed_out, ProbeResult::Failed);
        for (number, expected) in [
            (Errno::ECONNREFUSED, ProbeResult::Refused),
            (Errno::EMFILE, ProbeResult::NotAttempted),
            (Errno::EADDRNOTAVAIL, ProbeResult::NotAttempted),
            (Errno::EHOSTUNREACH, ProbeResult::Failed),
        ] {
            assert_eq!(classify_response(Err(number.into())), expected, "{number}");
        }
    }
}
