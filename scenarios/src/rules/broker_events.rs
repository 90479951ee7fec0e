//! Each event of the broker is possible when its time comes, and there is a
//! broker that the harness may do it to.
//!
//! ```text
//! state    kill  restart  pause   resume
//! running  down  running  paused  -
//! paused   down  -        -       running
//! down     -     running  -       -
//! ```

use super::node_events::in_order;
use crate::{
    diagnostic::Findings,
    scenario::{Scenario, SystemAsked},
    section::{
        At, Choice, Deed, Object,
        cluster::{Backplane, Cluster},
    },
};

/// What has become of the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Paused,
    Down,
}

pub(super) fn check(scenario: &Scenario, findings: &mut Findings) {
    let SystemAsked::Cluster(cluster) = &scenario.system else {
        return;
    };
    let deeds = in_order(scenario)
        .into_iter()
        .filter_map(|(_, event)| event.deed.as_ref())
        .filter(|deed| deed.value.object() == Object::Broker);
    let mut state = State::Running;
    for deed in deeds {
        if let Some((what, accepted)) = not_ours(cluster, scenario) {
            findings.add(deed.spot.finding(what).accepted(accepted));
            continue;
        }
        match after(state, deed.value) {
            Some(next) => state = next,
            None => report(state, deed, findings),
        }
    }
}

/// Why nothing can be done to the broker, and what would be accepted.
fn not_ours(cluster: &Cluster, scenario: &Scenario) -> Option<(&'static str, &'static str)> {
    if let Some(At {
        value: Backplane::Broker(_),
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
fn after(state: State, deed: Deed) -> Option<State> {
    match (state, deed) {
        (State::Running | State::Paused, Deed::KillBroker) => Some(State::Down),
        (State::Running | State::Down, Deed::RestartBroker) => Some(State::Running),
        (State::Running, Deed::PauseBroker) => Some(State::Paused),
        (State::Paused, Deed::ResumeBroker) => Some(State::Running),
        _ => None,
    }
}

fn report(state: State, deed: &At<Deed>, findings: &mut Findings) {
    let (what, way_out) = match state {
        State::Running => ("the broker runs then", Deed::PauseBroker),
        State::Paused => ("the broker is paused then", Deed::ResumeBroker),
        State::Down => ("the broker is down then", Deed::RestartBroker),
    };
    let possible = Deed::ALL
        .iter()
        .filter(|(_, deed)| after(state, *deed).is_some())
        .map(|(word, _)| format!("{word:?}"));
    let accepted = possible.collect::<Vec<_>>().join(" or ");
    let hint = format!("do = \"{}\" must come before it", way_out.word());
    findings.add(deed.spot.finding(what).accepted(accepted).hint(hint));
}
