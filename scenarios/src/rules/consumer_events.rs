//! Each event of a consumer is possible when its time comes: it is there, and one
//! that is killed runs.

use std::collections::BTreeSet;

use crate::{
    diagnostic::DiagnosticSink,
    scenario::{Scenario, SystemSection},
    section::EventKind,
};

use super::node_events::events_by_time;

pub(super) fn check(scenario: &Scenario, findings: &mut DiagnosticSink) {
    let SystemSection::Cluster(cluster) = &scenario.system else {
        return;
    };
    let Some(count) = cluster.consumer_count() else {
        return;
    };
    let mut down = BTreeSet::new();
    for (_, event) in events_by_time(scenario) {
        let (Some(deed), Some(name)) = (&event.kind, &event.consumer) else {
            continue;
        };
        let number = name
            .value
            .strip_prefix('c')
            .and_then(|number| number.parse::<u32>().ok());
        let Some(number) = number else {
            continue;
        };
        if number > count {
            let finding = name.location.diagnostic("there is no such consumer");
            findings.add(finding.expected(match count {
                0 => "an event of a consumer with `consumers` in `[cluster]`".to_owned(),
                1 => "c1".to_owned(),
                count => format!("c1 to c{count}"),
            }));
            continue;
        }
        match deed.value {
            EventKind::KillConsumer if !down.insert(number) => {
                let finding = name
                    .location
                    .diagnostic(format!("{} is down then", name.value));
                findings.add(finding.expected("a consumer that runs"));
            }
            EventKind::RestartConsumer => {
                down.remove(&number);
            }
            _ => {}
        }
    }
}
