//! Asks one life of one node, now and then, whether it takes what comes.
//!
//! Each check opens a connection of its own to the address that sockets use, because it has to
//! show
//! that the node accepts connections.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use nix::errno::Errno;
use tokio::time::{Instant, sleep, timeout};

use super::{health::ProbeResult, state::GatewayState, upstream::Upstream};

/// Time that a node has to answer. A hung node is down after two of these and one interval.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Asks until the node has another life or has left.
pub(super) async fn probe_loop(gateway: Arc<GatewayState>, upstream: Arc<Upstream>) {
    loop {
        let checked = match timeout(PROBE_TIMEOUT, send_probe(&upstream)).await {
            Ok(answer) => classify_response(answer),
            Err(_) => ProbeResult::Failed,
        };
        if !gateway
            .backends
            .record_probe(&upstream, checked, Instant::now())
        {
            return;
        }
        // After a failure that took its time, at once again: it may be a moment's.
        let took_its_time = checked == ProbeResult::Failed && gateway.backends.is_up(&upstream);
        if !took_its_time {
            sleep(gateway.config.health_interval).await;
        }
    }
}

async fn send_probe(upstream: &Upstream) -> io::Result<StatusCode> {
    let stream = upstream.dial(PROBE_TIMEOUT).await?;
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(io::Error::other)?;
    let request = Request::get("/readyz")
        .header(header::HOST, &upstream.address)
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    // It ends with its sender, which is dropped with this future.
    tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    Ok(answer.map_err(io::Error::other)?.status())
}

fn classify_response(answer: io::Result<StatusCode>) -> ProbeResult {
    match answer {
        Ok(StatusCode::SERVICE_UNAVAILABLE) => ProbeResult::NotReady,
        // Where operators have a listener of their own, the public one knows no such
        // path; that it says so is answer enough.
        Ok(status) if status.is_success() || status == StatusCode::NOT_FOUND => ProbeResult::Ready,
        Ok(_) => ProbeResult::Failed,
        Err(error) => classify_error(&error),
    }
}

/// Classifies the error of a connection to a node.
pub(super) fn classify_error(error: &io::Error) -> ProbeResult {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ProbeResult::Refused,
        _ if is_local_error(error) => ProbeResult::NotAttempted,
        _ => ProbeResult::Failed,
    }
}

/// Whether there was no file, no port or no memory left here to ask with.
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
    fn verdicts() {
        let of = |status: u16| classify_response(Ok(StatusCode::from_u16(status).unwrap()));
        assert_eq!(of(200), ProbeResult::Ready);
        assert_eq!(of(404), ProbeResult::Ready);
        assert_eq!(of(503), ProbeResult::NotReady);
        assert_eq!(of(500), ProbeResult::Failed);
        assert_eq!(of(400), ProbeResult::Failed);
        let of = |kind: io::ErrorKind| classify_response(Err(kind.into()));
        assert_eq!(of(io::ErrorKind::ConnectionRefused), ProbeResult::Refused);
        assert_eq!(of(io::ErrorKind::TimedOut), ProbeResult::Failed);
        let of = |number: Errno| classify_response(Err(number.into()));
        assert_eq!(of(Errno::ECONNREFUSED), ProbeResult::Refused);
        assert_eq!(of(Errno::EMFILE), ProbeResult::NotAttempted);
        assert_eq!(of(Errno::EADDRNOTAVAIL), ProbeResult::NotAttempted);
        assert_eq!(of(Errno::EHOSTUNREACH), ProbeResult::Failed);
    }
}
