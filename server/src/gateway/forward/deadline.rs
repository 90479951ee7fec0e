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
    /// All of it must have come by then.
    Deadline(Instant),
    /// Longest silence; the body itself may go on forever.
    Idle(Duration),
}

impl RequestDeadline {
    /// A command says itself how long it waits, and has an outcome by then, streamed
    /// or not: a node that hangs must not hold its caller longer.
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
        // A value that is not a number is left to the node, which answers 400 at once.
        let waits = timeout_ms(headers).unwrap_or(0);
        let end = now + Duration::from_millis(u64::from(waits)) + limits.response_grace;
        Self {
            head: end,
            body: BodyTimeout::Deadline(end),
        }
    }
}

impl BodyTimeout {
    /// When who begins to wait now has waited long enough.
    pub(super) fn expires_at(self, now: Instant) -> Instant {
        match self {
            Self::Deadline(end) => end,
            Self::Idle(length) => now + length,
        }
    }
}

/// `/devices/{id}/commands`.
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
    fn a_command_waits_as_long_as_it_says() {
        let limits = GatewayLimits::default();
        let now = Instant::now();
        let waits = |path: &str, field: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(field) = field {
                headers.insert("x-highwater-timeout-ms", field.parse().unwrap());
            }
            let patience =
                RequestDeadline::for_request(&path.parse().unwrap(), &headers, &limits, now);
            (patience.head - now, patience.body)
        };
        let of = |ms| {
            let length = Duration::from_millis(ms) + limits.response_grace;
            (length, BodyTimeout::Deadline(now + length))
        };
        assert_eq!(waits("/devices/d1/commands", None), of(5000));
        assert_eq!(waits("/devices/d1/commands", Some("300")), of(300));
        assert_eq!(waits("/devices/d1/commands", Some("99999999")), of(60_000));
        for other in ["/devices/d1", "/devices/commands", "/topics/t/messages"] {
            let rest = BodyTimeout::Idle(limits.response_idle_timeout);
            assert_eq!(waits(other, Some("300")), (limits.response_timeout, rest));
        }
    }
}
