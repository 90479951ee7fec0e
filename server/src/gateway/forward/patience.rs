//! How long a request waits.

use std::time::Duration;

use axum::http::{HeaderMap, Uri};
use tokio::time::Instant;

use crate::{gateway::config::GatewayLimits, http::timeout_ms};

/// Until when a node's answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Patience {
    /// For its head.
    pub(super) head: Instant,
    /// For all of it; `None` for a stream that may go on.
    pub(super) end: Option<Instant>,
}

impl Patience {
    /// A command says itself how long it waits, and has an outcome by then, streamed
    /// or not: a node that hangs must not hold its caller longer.
    pub(super) fn of(uri: &Uri, headers: &HeaderMap, limits: &GatewayLimits, now: Instant) -> Self {
        if !is_command(uri) {
            let head = now + limits.answer_timeout;
            return Self { head, end: None };
        }
        // What is no number gets its 400 from the node, at once.
        let waits = timeout_ms(headers).unwrap_or(0);
        let end = now + Duration::from_millis(u64::from(waits)) + limits.answer_grace;
        Self {
            head: end,
            end: Some(end),
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
            let patience = Patience::of(&path.parse().unwrap(), &headers, &limits, now);
            (patience.head - now, patience.end.map(|end| end - now))
        };
        let of = |ms| {
            let length = Duration::from_millis(ms) + limits.answer_grace;
            (length, Some(length))
        };
        assert_eq!(waits("/devices/d1/commands", None), of(5000));
        assert_eq!(waits("/devices/d1/commands", Some("300")), of(300));
        assert_eq!(waits("/devices/d1/commands", Some("99999999")), of(60_000));
        for other in ["/devices/d1", "/devices/commands", "/topics/t/messages"] {
            assert_eq!(waits(other, Some("300")), (limits.answer_timeout, None));
        }
    }
}
