//! Each event of a consumer is possible when its time comes: the consumer exists, and one
//! that is killed was running.

use std::collections::BTreeSet;

use super::schedule::events_by_time;
use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    plan::EventKind,
    scenario::Scenario,
};

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    let Some(count) = scenario
        .only_cluster()
        .and_then(|cluster| cluster.consumers.value)
    else {
        return;
    };
    let mut down = BTreeSet::new();
    for (_, event) in events_by_time(scenario) {
        let (Some(kind), Some(name)) = (event.kind.value, &event.consumer.value) else {
            continue;
        };
        let location = &event.consumer.location;
        let Some(Ok(number)) = name.strip_prefix('c').map(str::parse::<u32>) else {
            continue;
        };
        // Consumers count from 1.
        if number > count {
            sink.report(
                location,
                Diagnostic::new("there is no such consumer").expected(consumer_names(count)),
            );
            continue;
        }
        match kind {
            EventKind::KillConsumer if !down.insert(number) => sink.report(
                location,
                Diagnostic::new(format!("{name} is down then")).expected("a consumer that runs"),
            ),
            EventKind::RestartConsumer => {
                // A consumer that runs may be restarted as well.
                down.remove(&number);
            }
            _ => {}
        }
    }
}

fn consumer_names(count: u32) -> String {
    match count {
        0 => "an event of a consumer with `consumers` in `[cluster]`".to_owned(),
        1 => "c1".to_owned(),
        count => format!("c1 to c{count}"),
    }
}
