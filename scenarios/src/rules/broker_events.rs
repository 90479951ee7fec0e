//! Each event of the broker is possible when its time comes, and the harness controls the
//! broker.
//!
//! ```text
//! state    kill  restart  pause   resume
//! running  down  running  paused  -
//! paused   down  -        -       running
//! down     -     running  -       -
//! ```

use super::schedule::events_by_time;
use crate::{
    diagnostic::{Diagnostic, DiagnosticSink, ValueLocation},
    plan::{EventKind, TargetKind, Word},
    scenario::Scenario,
    section::cluster::ClusterSection,
    value::{BackplaneAddress, quoted_words},
};

/// The state of the broker at a time of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BrokerState {
    Running,
    Paused,
    Down,
}

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    let Some(cluster) = scenario.only_cluster() else {
        return;
    };
    let mut state = BrokerState::Running;
    for (_, event) in events_by_time(scenario) {
        let location = &event.kind.location;
        let Some(kind) = event.kind.value else {
            continue;
        };
        if kind.target() != TargetKind::Broker {
            continue;
        }
        if let Some(diagnostic) = not_controllable(cluster, scenario) {
            // Each event is reported, so that none is left for the next attempt.
            sink.report(location, diagnostic);
            continue;
        }
        match next_state(state, kind) {
            Some(next) => state = next,
            None => report_impossible(state, location, sink),
        }
    }
}

/// Returns the reason for which the harness cannot act on the broker.
fn not_controllable(cluster: &ClusterSection, scenario: &Scenario) -> Option<Diagnostic> {
    if let Some(BackplaneAddress::Broker(_)) = &cluster.backplane.value {
        return Some(
            Diagnostic::new("the harness did not start this broker, and does nothing to it")
                .expected("events of the broker with `backplane = \"local\"`"),
        );
    }
    // A node alone is started without a backplane.
    let is_alone = cluster.nodes.is(&1) && !scenario.adds_nodes();
    is_alone.then(|| {
        Diagnostic::new("a cluster of one has no broker")
            .expected("events of the broker with two nodes or more")
    })
}

/// Returns the state after an event, by the table above.
fn next_state(state: BrokerState, kind: EventKind) -> Option<BrokerState> {
    use BrokerState::{Down, Paused, Running};
    use EventKind::{KillBroker, PauseBroker, RestartBroker, ResumeBroker};
    match (state, kind) {
        (Running | Paused, KillBroker) => Some(Down),
        (Running | Down, RestartBroker) => Some(Running),
        (Running, PauseBroker) => Some(Paused),
        (Paused, ResumeBroker) => Some(Running),
        _ => None,
    }
}

fn report_impossible(state: BrokerState, location: &ValueLocation, sink: &mut DiagnosticSink) {
    let (message, way_out) = match state {
        BrokerState::Running => ("the broker runs then", EventKind::PauseBroker),
        BrokerState::Paused => ("the broker is paused then", EventKind::ResumeBroker),
        BrokerState::Down => ("the broker is down then", EventKind::RestartBroker),
    };
    let possible: Vec<EventKind> = <EventKind as strum::VariantArray>::VARIANTS
        .iter()
        .copied()
        .filter(|kind| next_state(state, *kind).is_some())
        .collect();
    sink.report(
        location,
        Diagnostic::new(message)
            .expected(quoted_words(&possible))
            .hint(format!("do = \"{}\" must come before it", way_out.as_str())),
    );
}
