//! Each event of a consumer is possible when its time comes: it is there, and one
//! that is killed runs.

use std::collections::BTreeSet;

use crate::{
    diagnostic::Findings,
    scenario::{Scenario, SystemAsked},
    section::Deed,
};

use super::node_events::in_order;

pub(super) fn check(scenario: &Scenario, findings: &mut Findings) {
    let SystemAsked::Cluster(cluster) = &scenario.system else {
        return;
    };
    let Some(count) = cluster.consumer_count() else {
        return;
    };
    let mut down = BTreeSet::new();
    for (_, event) in in_order(scenario) {
        let (Some(deed), Some(name)) = (&event.deed, &event.consumer) else {
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
            let finding = name.spot.finding("there is no such consumer");
            findings.add(finding.accepted(match count {
                0 => "an event of a consumer with `consumers` in `[cluster]`".to_owned(),
                1 => "c1".to_owned(),
                count => format!("c1 to c{count}"),
            }));
            continue;
        }
        match deed.value {
            Deed::KillConsumer if !down.insert(number) => {
                let finding = name.spot.finding(format!("{} is down then", name.value));
                findings.add(finding.accepted("a consumer that runs"));
            }
            Deed::RestartConsumer => {
                down.remove(&number);
            }
            _ => {}
        }
    }
}
