//! A fault that the node injects into itself.

use std::time::Duration;

use highwater_scenarios::plan::FaultSpec;
use serde::Serialize;

use super::super::{
    TestbedError,
    cluster::ClusterInner,
    node::{node_address, running_child},
};

/// The body of `POST /admin/faults`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "fault")]
enum FaultBody {
    /// The whole node does nothing for this long.
    Stall { duration_ms: u64 },
    /// The node reads pings and does not answer them.
    IgnorePings { duration_ms: u64 },
    /// Deliveries of topic messages never come.
    DropMessages { count: u64 },
    /// They come twice.
    DuplicateMessages { count: u64 },
    /// They come after the next one.
    ReorderMessages { count: u64 },
}

pub(super) async fn apply(
    cluster: &ClusterInner,
    id: &str,
    fault: &FaultSpec,
) -> Result<(), TestbedError> {
    let node = cluster.registry.node(id)?;
    let mut process = node.process.lock().await;
    running_child(&mut process, id)?;
    cluster
        .http
        .inject_fault(node_address(cluster, id)?, &fault_body(fault))
        .await
}

fn fault_body(fault: &FaultSpec) -> FaultBody {
    match fault {
        FaultSpec::Stall { duration: length } => FaultBody::Stall {
            duration_ms: millis(*length),
        },
        FaultSpec::IgnorePings { duration: length } => FaultBody::IgnorePings {
            duration_ms: millis(*length),
        },
        FaultSpec::DropMessages { count } => FaultBody::DropMessages { count: *count },
        FaultSpec::DuplicateMessages { count } => FaultBody::DuplicateMessages { count: *count },
        FaultSpec::ReorderMessages { count } => FaultBody::ReorderMessages { count: *count },
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_what_the_node_documents() {
        let duration = Duration::from_millis(1_500);
        let json = |fault| serde_json::to_string(&fault_body(&fault)).unwrap();
        assert_eq!(
            json(FaultSpec::Stall { duration }),
            r#"{"fault":"stall","duration_ms":1500}"#
        );
        assert_eq!(
            json(FaultSpec::IgnorePings { duration }),
            r#"{"fault":"ignore-pings","duration_ms":1500}"#
        );
        let count = 50;
        for (fault, name) in [
            (FaultSpec::DropMessages { count }, "drop"),
            (FaultSpec::DuplicateMessages { count }, "duplicate"),
            (FaultSpec::ReorderMessages { count }, "reorder"),
        ] {
            let expected = format!(r#"{{"fault":"{name}-messages","count":50}}"#);
            assert_eq!(json(fault), expected);
        }
    }
}
