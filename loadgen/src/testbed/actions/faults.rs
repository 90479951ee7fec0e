//! Faults that a node injects into itself.
//!
//! The body of `POST /admin/faults` is the plan's fault with the unit in its key. A new fault
//! is therefore a variant of [`FaultSpec`] and its implementation in the node; this file
//! stays as it is.

use highwater_scenarios::plan::FaultSpec;
use serde_json::{Map, Value};

use super::super::{TestbedError, cluster::ClusterInner, cluster_process::running_child};

/// Sends a fault to a node.
pub(super) async fn inject(
    cluster: &ClusterInner,
    id: &str,
    fault: &FaultSpec,
) -> Result<(), TestbedError> {
    let context = &cluster.context;
    let node = context.registry.node(id)?;
    // The lock keeps a restart from replacing the node between the check and the request.
    let mut slot = node.child.lock().await;
    running_child(&mut slot, id)?;
    let (address, body) = (node.address()?, fault_body(fault)?);
    context.client.post(address, "/admin/faults", &body).await
}

fn fault_body(fault: &FaultSpec) -> Result<Map<String, Value>, TestbedError> {
    let fields = serde_json::to_value(fault).and_then(serde_json::from_value::<Map<_, _>>);
    let mut fields = fields.map_err(TestbedError::RequestBody)?;
    // The plan writes durations in milliseconds.
    if let Some(millis) = fields.remove("duration") {
        fields.insert("duration_ms".to_owned(), millis);
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn body_has_the_documented_form() {
        let duration = Duration::from_millis(1_500);
        let count = 50;
        for (fault, expected) in [
            (
                FaultSpec::Stall { duration },
                r#"{"fault":"stall","duration_ms":1500}"#,
            ),
            (
                FaultSpec::IgnorePings { duration },
                r#"{"fault":"ignore-pings","duration_ms":1500}"#,
            ),
            (
                FaultSpec::DropMessages { count },
                r#"{"count":50,"fault":"drop-messages"}"#,
            ),
            (
                FaultSpec::DuplicateMessages { count },
                r#"{"count":50,"fault":"duplicate-messages"}"#,
            ),
            (
                FaultSpec::ReorderMessages { count },
                r#"{"count":50,"fault":"reorder-messages"}"#,
            ),
        ] {
            let body = fault_body(&fault).unwrap();
            // Compared as values, because the order of keys depends on a feature of serde_json.
            let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
            assert_eq!(serde_json::to_value(&body).unwrap(), expected);
        }
    }
}
