//! The rig of the tests: nodes, a broker, devices and an HTTP client.
//!
//! In reading order: this file (limits and waits), `broker`, `node`, `cluster`, `http`, `device`,
//! `token`.

mod broker;
mod cluster;
mod device;
mod http;
mod node;
mod token;

use std::{net::SocketAddr, time::Duration};

use highwater_server::NodeLimits;
use tokio::time::timeout;

pub(crate) use self::{
    broker::TestBroker,
    cluster::TestCluster,
    device::TestDevice,
    http::{HttpResponse, connect_from, http_request, raw_exchange, raw_request},
    node::{ADMIN_TOKEN, TestNode, config},
    token::{SECRET, token},
};

/// Longer than any condition takes. A test that reaches it has failed.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Returns limits with short waits. A drain with the default limits takes seconds.
pub(crate) fn quick_limits() -> NodeLimits {
    NodeLimits {
        drain_delay: Duration::from_millis(50),
        drain_reconnect_window: Duration::from_millis(200),
        ..NodeLimits::default()
    }
}

/// Checks a condition until it holds. Each check makes a round trip, so the loop does not
/// spin.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = timeout(TEST_TIMEOUT, async {
        while !holds().await {
            // Nodes and devices of the test may run on this thread.
            tokio::task::yield_now().await;
        }
    });
    assert!(waited.await.is_ok(), "timed out before {what}");
}
