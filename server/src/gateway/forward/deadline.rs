//! The time limits of a request.

use std::time::Duration;

use axum::http::{HeaderMap, Uri};
use tokio::time::Instant;

use crate::{api::timeout_ms, gateway::config::GatewayLimits};

/// The time limits of a node's response.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RequestDeadline {
    /// Deadline of the response head.
    pub(super) head: Instant,
    pub(super) body: BodyTimeout,
}

/// The time limit of a response body.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum BodyTimeout {
    /// The time at which the body must have ended.
    Deadline(Instant),
    /// The longest silence. A body without a longer one may last forever.
    Idle(Duration),
}

impl RequestDeadline {
    /// Returns the limits of a request. A command carries its own timeout, for the body too.
    pub(super) fn for_request(
        uri: &Uri,
        headers: &HeaderMap,
        limits: &GatewayLimits,
        now: Instant,
    ) -> Self {
        if !is_command(uri) {
            return Self {
                head: now + limits.response_timeout,
                body: BodyTimeout::Idle(limits.response_idle_timeout),
            };
        }
        // 0 for a value that is not a number: the node answers 400 at once.
        let timeout = Duration::from_millis(u64::from(timeout_ms(headers).unwrap_or(0)));
        // The same end for a stream: a node that hangs must not hold its caller longer.
        let end = now + timeout + limits.response_grace;
        Self {
            head: end,
            body: BodyTimeout::Deadline(end),
        }
    }
}

impl BodyTimeout {
    /// Returns the end of a wait that begins now.
    pub(super) fn expires_at(self, now: Instant) -> Instant {
        match self {
            Self::Deadline(end) => end,
            Self::Idle(length) => now + length,
        }
    }
}

/// Whether the path is `/devices/{id}/commands`.
fn is_command(uri: &Uri) -> bool {
    let inner = uri
        .path()
        .strip_prefix("/devices/")
        .and_then(|rest| rest.strip_suffix("/commands"));
    inner.is_some_and(|device| !device.is_empty() && !device.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_has_its_own_deadline() {
        let limits = GatewayLimits::default();
        let now = Instant::now();
        let limits_of = |path: &str, field: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(field) = field {
                headers.insert("x-highwater-timeout-ms", field.parse().unwrap());
            }
            let uri = path.parse().unwrap();
            let deadline = RequestDeadline::for_request(&uri, &headers, &limits, now);
            (deadline.head - now, deadline.body)
        };
        let of = |ms| {
            let length = Duration::from_millis(ms) + limits.response_grace;
            (length, BodyTimeout::Deadline(now + length))
        };
        assert_eq!(limits_of("/devices/d1/commands", None), of(5000));
        assert_eq!(limits_of("/devices/d1/commands", Some("300")), of(300));
        assert_eq!(
            limits_of("/devices/d1/commands", Some("99999999")),
            of(60_000)
        );
        for other in ["/devices/d1", "/devices/commands", "/topics/t/messages"] {
            let body = BodyTimeout::Idle(limits.response_idle_timeout);
            assert_eq!(
                limits_of(other, Some("300")),
                (limits.response_timeout, body)
            );
        }
    }
}
