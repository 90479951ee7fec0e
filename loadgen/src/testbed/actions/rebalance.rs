//! Asks every node to send away what it has above its share; they do so by themselves.

use futures_util::future::join_all;
use highwater_types::Rate;
use serde::Serialize;

use super::super::{TestbedError, cluster::ClusterInner};

/// The body of `POST /admin/rebalance`.
#[derive(Debug, Serialize)]
struct RebalanceBody {
    /// How much more than the mean a node may keep, as a part of it.
    tolerance: f64,
    /// How many it sends away per second at most.
    rate: String,
}

pub(super) async fn apply(
    cluster: &ClusterInner,
    rate: Rate,
    tolerance: f64,
) -> Result<(), TestbedError> {
    let body = rebalance_body(rate, tolerance);
    let running = cluster.registry.running();
    let asked = running
        .iter()
        .map(|(_, address)| cluster.http.rebalance(*address, &body));
    // All of them, also when one that has just died does not answer.
    join_all(asked).await.into_iter().collect()
}

/// Nodes take whole numbers a second, at least one.
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
    fn a_body_is_what_the_node_documents() {
        let json = |per_s| {
            let rate = Rate::per_second(per_s).unwrap();
            serde_json::to_string(&rebalance_body(rate, 0.05)).unwrap()
        };
        assert_eq!(json(200.0), r#"{"tolerance":0.05,"rate":"200/s"}"#);
        assert_eq!(json(0.25), r#"{"tolerance":0.05,"rate":"1/s"}"#);
    }
}
