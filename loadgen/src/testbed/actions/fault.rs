//! A fault that the node injects into itself.

use std::time::Duration;

use highwater_scenarios::plan::Fault;
use serde::Serialize;

use super::super::{
    TestbedError,
    cluster::Bed,
    node::{address, running},
};

/// The body of `POST /admin/faults`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "fault")]
enum Body {
    /// The whole node does nothing for this long.
    Stall { length_ms: u64 },
    /// The node reads pings and does not answer them.
    IgnorePings { length_ms: u64 },
    /// Deliveries of topic messages never come.
    DropMessages { count: u64 },
    /// They come twice.
    DuplicateMessages { count: u64 },
    /// They come after the next one.
    ReorderMessages { count: u64 },
}

pub(super) async fn apply(bed: &Bed, id: &str, fault: &Fault) -> Result<(), TestbedError> {
    let node = bed.roster.node(id)?;
    let mut process = node.process.lock().await;
    running(&mut process, id)?;
    bed.http.inject(address(bed, id)?, &body(fault)).await
}

fn body(fault: &Fault) -> Body {
    match fault {
        Fault::Stall { length } => Body::Stall {
            length_ms: millis(*length),
        },
        Fault::IgnorePings { length } => Body::IgnorePings {
            length_ms: millis(*length),
        },
        Fault::DropMessages { count } => Body::DropMessages { count: *count },
        Fault::DuplicateMessages { count } => Body::DuplicateMessages { count: *count },
        Fault::ReorderMessages { count } => Body::ReorderMessages { count: *count },
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
        let length = Duration::from_millis(1_500);
        let json = |fault| serde_json::to_string(&body(&fault)).unwrap();
        assert_eq!(
            json(Fault::Stall { length }),
            r#"{"fault":"stall","length_ms":1500}"#
        );
        assert_eq!(
            json(Fault::IgnorePings { length }),
            r#"{"fault":"ignore-pings","length_ms":1500}"#
        );
        let count = 50;
        for (fault, name) in [
            (Fault::DropMessages { count }, "drop"),
            (Fault::DuplicateMessages { count }, "duplicate"),
            (Fault::ReorderMessages { count }, "reorder"),
        ] {
            let expected = format!(r#"{{"fault":"{name}-messages","count":50}}"#);
            assert_eq!(json(fault), expected);
        }
    }
}
