//! Whether two runs may be compared at all.

use serde_json::Value;

use crate::{RunRecord, record::Ended};

/// What of a plan may differ without the load being another.
const IMMATERIAL: [&str; 2] = ["description", "gates"];

/// In words, everything that makes the other run another thing than the first.
pub(super) fn differences(first: &RunRecord, other: &RunRecord) -> Vec<String> {
    let (a, b) = (&first.manifest, &other.manifest);
    let mut differences = Vec::new();
    if a.plan.name != b.plan.name {
        differences.push(format!(
            "other scenarios: {} and {}",
            a.plan.name, b.plan.name
        ));
    }
    let plans = (serde_json::to_value(&a.plan), serde_json::to_value(&b.plan));
    if let (Ok(Value::Object(a)), Ok(Value::Object(b))) = plans {
        let differing = a
            .iter()
            .filter(|(key, value)| key.as_str() != "name" && b.get(*key) != Some(*value))
            .map(|(key, _)| key.as_str())
            .filter(|key| !IMMATERIAL.contains(key));
        let differing: Vec<&str> = differing.collect();
        if !differing.is_empty() {
            differences.push(format!("other plans: {} differ", differing.join(", ")));
        }
    }
    if a.host != b.host {
        differences.push("other machines".to_owned());
    }
    for record in [first, other] {
        if record.ended() != Ended::Completed {
            let name = &record.manifest.plan.name;
            let started = record.manifest.started_at.format("%Y-%m-%d %H:%M:%S");
            differences.push(format!(
                "the run of {name} from {started} was not completed"
            ));
        }
    }
    differences
}
