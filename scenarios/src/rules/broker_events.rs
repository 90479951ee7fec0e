//! Each event of the broker is possible when its time comes, and there is a
//! broker that the harness may do it to.
//!
//! ```text
//! state    kill  restart  pause   resume
//! running  down  running  paused  -
//! paused   down  -        -       running
//! down     -     running  -       -
//! ```

use super::node_events::events_by_time;
use crate::{
    diagnostic::DiagnosticSink,
    scenario::{Scenario, SystemSection},
    section::{
        Choice, EventKind, Spanned, TargetKind,
        cluster::{BackplaneSection, ClusterSection},
    },
};

/// What has become of the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BrokerState {
    Running,
    Paused,
    Down,
}

pub(super) fn check(scenario: &Scenario, findings: &mut DiagnosticSink) {
    let SystemSection::Cluster(cluster) = &scenario.system else {
        return;
    };
    let deeds = events_by_time(scenario)
        .into_iter()
        .filter_map(|(_, event)| event.kind.as_ref())
        .filter(|deed| deed.value.target_kind() == TargetKind::Broker);
    let mut state = BrokerState::Running;
    for deed in deeds {
        if let Some((what, accepted)) = not_controllable(cluster, scenario) {
            findings.add(deed.location.diagnostic(what).expected(accepted));
            continue;
        }
        match next_state(state, deed.value) {
            Some(next) => state = next,
            None => report_impossible(state, deed, findings),
        }
    }
}

/// Why nothing can be done to the broker, and what would be accepted.
fn not_controllable(
    cluster: &ClusterSection,
    scenario: &Scenario,
) -> Option<(&'static str, &'static str)> {
    if let Some(Spanned {
        value: BackplaneSection::Broker(_),
        ..
    }) = &cluster.backplane
    {
        return Some((
            "the harness did not start this broker, and does nothing to it",
            "events of the broker with `backplane = \"local\"`",
        ));
    }
    let alone = cluster.nodes.as_ref()?.value == 1 && !scenario.adds_nodes();
    alone.then_some((
        "a cluster of one has no broker",
        "events of the broker with two nodes or more",
    ))
}

/// The table above.
fn next_state(state: BrokerState, deed: EventKind) -> Option<BrokerState> {
    match (state, deed) {
        (BrokerState::Running | BrokerState::Paused, EventKind::KillBroker) => {
            Some(BrokerState::Down)
        }
        (BrokerState::Running | BrokerState::Down, EventKind::RestartBroker) => {
            Some(BrokerState::Running)
        }
        (BrokerState::Running, EventKind::PauseBroker) => Some(BrokerState::Paused),
        (BrokerState::Paused, EventKind::ResumeBroker) => Some(BrokerState::Running),
        _ => None,
    }
}

fn report_impossible(state: BrokerState, deed: &Spanned<EventKind>, findings: &mut DiagnosticSink) {
    let (what, way_out) = match state {
        BrokerState::Running => ("the broker runs then", EventKind::PauseBroker),
        BrokerState::Paused => ("the broker is paused then", EventKind::ResumeBroker),
        BrokerState::Down => ("the broker is down then", EventKind::RestartBroker),
    };
    let possible = EventKind::ALL
        .iter()
        .filter(|(_, deed)| next_state(state, *deed).is_some())
        .map(|(word, _)| format!("{word:?}"));
    let accepted = possible.collect::<Vec<_>>().join(" or ");
    let hint = format!("do = \"{}\" must come before it", way_out.as_str());
    findings.add(deed.location.diagnostic(what).expected(accepted).hint(hint));
}
