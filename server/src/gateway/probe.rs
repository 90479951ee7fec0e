//! The health checks of one incarnation of a node.

use std::{io, sync::Arc, time::Duration};

use axum::body::Body;
use hyper::{
    Request, StatusCode,
    header::{self, HeaderValue},
};
use nix::errno::Errno;
use tokio::time::{Instant, sleep, timeout};

use super::{
    health::{Health, Probe, ProbeResult},
    state::GatewayState,
    upstream::Upstream,
};
use crate::api::GATEWAY_HEADER;

/// Time that a node has to answer. A hung node is down after two checks.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Checks until the incarnation is no longer a backend.
pub(super) async fn probe_loop(gateway: Arc<GatewayState>, upstream: Arc<Upstream>) {
    let backends = &gateway.backends;
    loop {
        upstream.close_expired(&gateway.config.limits);
        let checked = match timeout(PROBE_TIMEOUT, send_probe(&upstream)).await {
            Ok(answer) => classify_response(answer),
            Err(_) => failed(format!("no answer to /readyz within {PROBE_TIMEOUT:?}")),
        };
        let result = checked.result;
        let Some(health) = backends.record_probe(&upstream, checked, Instant::now()) else {
            return;
        };
        // Still up after one failure: the second check, which decides, follows at once.
        if result != ProbeResult::Failed || !matches!(health, Health::Up { .. }) {
            sleep(gateway.config.health_interval).await;
        }
    }
}

/// The part of an answer that a check needs.
struct ProbeAnswer {
    status: StatusCode,
    /// The gateway that answered instead of a node.
    gateway: Option<HeaderValue>,
}

async fn send_probe(upstream: &Upstream) -> io::Result<ProbeAnswer> {
    // A new connection, because the check has to show that the node accepts connections.
    let mut sender = upstream.connect(PROBE_TIMEOUT).await?;
    let request = Request::get("/readyz")
        .header(header::HOST, &upstream.address)
        .header(header::CONNECTION, "close")
        .body(Body::empty())
        .map_err(io::Error::other)?;
    let mut response = sender
        .send_request(request)
        .await
        .map_err(io::Error::other)?;
    Ok(ProbeAnswer {
        status: response.status(),
        gateway: response.headers_mut().remove(GATEWAY_HEADER),
    })
}

fn classify_response(answer: io::Result<ProbeAnswer>) -> Probe {
    match answer {
        // Behind a gateway there is any node, and perhaps this gateway again.
        Ok(ProbeAnswer {
            gateway: Some(id), ..
        }) => failed(format!("the gateway {id:?} answers there, not the node")),
        Ok(ProbeAnswer { status, .. }) => match status {
            StatusCode::SERVICE_UNAVAILABLE => Probe {
                result: ProbeResult::NotReady,
                reason: Some("its /readyz answers 503".to_owned()),
            },
            // With an admin listener, the public one answers 404, which shows that it serves.
            _ if status.is_success() || status == StatusCode::NOT_FOUND => {
                ProbeResult::Ready.into()
            }
            _ => failed(format!("its /readyz answers {status}")),
        },
        Err(error) => classify_error(&error),
    }
}

/// Classifies the error of a connection to a node.
pub(super) fn classify_error(error: &io::Error) -> Probe {
    let result = match error.kind() {
        io::ErrorKind::ConnectionRefused => ProbeResult::Refused,
        // It says nothing about the node: otherwise a gateway without files would take all its
        // nodes for dead.
        _ if is_local_error(error) => ProbeResult::NotAttempted,
        _ => ProbeResult::Failed,
    };
    let inner = error.get_ref();
    let is_http = inner.is_some_and(|inner| inner.is::<hyper::Error>());
    let reason = match is_http {
        true => format!("{error}; nodes behind a gateway must serve plain HTTP, without TLS"),
        false => error.to_string(),
    };
    Probe {
        result,
        reason: Some(reason),
    }
}

fn failed(reason: String) -> Probe {
    Probe {
        result: ProbeResult::Failed,
        reason: Some(reason),
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

    fn answer(status: u16, gateway: Option<&'static str>) -> Probe {
        classify_response(Ok(ProbeAnswer {
            status: StatusCode::from_u16(status).unwrap(),
            gateway: gateway.map(HeaderValue::from_static),
        }))
    }

    #[test]
    fn answer_or_error_has_its_result() {
        let of = |status: u16| answer(status, None).result;
        assert_eq!([of(200), of(404)], [ProbeResult::Ready; 2]);
        assert_eq!(of(503), ProbeResult::NotReady);
        assert_eq!([of(500), of(400)], [ProbeResult::Failed; 2]);
        let timed_out = classify_response(Err(io::ErrorKind::TimedOut.into()));
        assert_eq!(timed_out.result, ProbeResult::Failed);
        for (number, expected) in [
            (Errno::ECONNREFUSED, ProbeResult::Refused),
            (Errno::EMFILE, ProbeResult::NotAttempted),
            (Errno::EADDRNOTAVAIL, ProbeResult::NotAttempted),
            (Errno::EHOSTUNREACH, ProbeResult::Failed),
        ] {
            let result = classify_response(Err(number.into())).result;
            assert_eq!(result, expected, "{number}");
        }
    }

    #[test]
    fn gateway_is_no_node_and_the_reason_names_it() {
        let probe = answer(200, Some("g1"));
        assert_eq!(probe.result, ProbeResult::Failed);
        assert_eq!(
            probe.reason.unwrap(),
            r#"the gateway "g1" answers there, not the node"#
        );
        assert_eq!(answer(200, None).reason, None);
    }
}
