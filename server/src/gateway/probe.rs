//! Asks one life of one node, now and then, whether it takes what comes.
//!
//! On a connection of its own each time, where sockets go: what is asked is whether
//! a connection is let in and answered.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use nix::errno::Errno;
use tokio::time::{Instant, sleep, timeout};

use super::{health::Checked, state::Gateway, upstream::Upstream};

/// How long a node may take to answer. With a second failure at once after the
/// first, a hung node is out within twice this and one interval.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks until the node has another life or has left.
pub(super) async fn watch(gateway: Arc<Gateway>, upstream: Arc<Upstream>) {
    loop {
        let checked = match timeout(PATIENCE, ask(&upstream)).await {
            Ok(answer) => verdict(answer),
            Err(_) => Checked::Failed,
        };
        if !gateway.fleet.checked(&upstream, checked, Instant::now()) {
            return;
        }
        // After a failure that took its time, at once again: it may be a moment's.
        let took_its_time = checked == Checked::Failed && gateway.fleet.is_up(&upstream);
        if !took_its_time {
            sleep(gateway.config.health_interval).await;
        }
    }
}

async fn ask(upstream: &Upstream) -> io::Result<StatusCode> {
    let stream = upstream.dial(PATIENCE).await?;
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

fn verdict(answer: io::Result<StatusCode>) -> Checked {
    match answer {
        Ok(StatusCode::SERVICE_UNAVAILABLE) => Checked::NotReady,
        // Where operators have a listener of their own, the public one knows no such
        // path; that it says so is answer enough.
        Ok(status) if status.is_success() || status == StatusCode::NOT_FOUND => Checked::Ready,
        Ok(_) => Checked::Failed,
        Err(error) => failure(&error),
    }
}

/// What a connection that could not be used says of its node.
pub(super) fn failure(error: &io::Error) -> Checked {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Checked::Refused,
        _ if is_of_this_end(error) => Checked::NotAsked,
        _ => Checked::Failed,
    }
}

/// Whether there was no file, no port or no memory left here to ask with.
fn is_of_this_end(error: &io::Error) -> bool {
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
        let of = |status: u16| verdict(Ok(StatusCode::from_u16(status).unwrap()));
        assert_eq!(of(200), Checked::Ready);
        assert_eq!(of(404), Checked::Ready);
        assert_eq!(of(503), Checked::NotReady);
        assert_eq!(of(500), Checked::Failed);
        assert_eq!(of(400), Checked::Failed);
        let of = |kind: io::ErrorKind| verdict(Err(kind.into()));
        assert_eq!(of(io::ErrorKind::ConnectionRefused), Checked::Refused);
        assert_eq!(of(io::ErrorKind::TimedOut), Checked::Failed);
        let of = |number: Errno| verdict(Err(number.into()));
        assert_eq!(of(Errno::ECONNREFUSED), Checked::Refused);
        assert_eq!(of(Errno::EMFILE), Checked::NotAsked);
        assert_eq!(of(Errno::EADDRNOTAVAIL), Checked::NotAsked);
        assert_eq!(of(Errno::EHOSTUNREACH), Checked::Failed);
    }
}
