//! The event that moves sockets between nodes.

use futures_util::future::join_all;
use highwater_types::Rate;
use serde::Serialize;

use super::super::{TestbedError, cluster::ClusterInner};

/// The body of `POST /admin/rebalance`.
#[derive(Debug, Serialize)]
struct RebalanceBody {
    /// The share of the mean that a node may hold above the mean.
    tolerance: f64,
    /// The most sockets that a node asks to reconnect per second.
    rate: String,
}

/// Asks every running node to rebalance. The nodes then move sockets by themselves.
pub(super) async fn start(
    cluster: &ClusterInner,
    rate: Rate,
    tolerance: f64,
) -> Result<(), TestbedError> {
    let context = &cluster.context;
    let body = rebalance_body(rate, tolerance);
    let running = context.registry.running();
    let requests = running
        .iter()
        .map(|(_, address)| context.client.post(*address, "/admin/rebalance", &body));
    // Every node is asked, even if one has just died and does not answer.
    join_all(requests).await.into_iter().collect()
}

/// Nodes accept whole numbers per second from one on, so the rate is rounded up.
fn rebalance_body(rate: Rate, tolerance: f64) -> RebalanceBody {
    RebalanceBody {
        tolerance,
        rate: format!("{}/s", rate.as_per_second().ceil().max(1.0) as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_has_the_documented_form() {
        let json = |per_s| {
            let rate = Rate::per_second(per_s).unwrap();
            serde_json::to_string(&rebalance_body(rate, 0.05)).unwrap()
        };
        assert_eq!(json(200.0), r#"{"tolerance":0.05,"rate":"200/s"}"#);
        assert_eq!(json(0.25), r#"{"tolerance":0.05,"rate":"1/s"}"#);
    }
}
