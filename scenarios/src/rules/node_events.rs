//! Each event of a node is possible when its time comes.
//!
//! ```text
//! state    add      kill  restart  drain    pause   resume   fault
//! unknown  running  -     -        -        -       -        -
//! running  -        down  running  drained  paused  -        running
//! paused   -        down  -        -        -       running  -
//! down     -        -     running  -        -       -        -
//! drained  -        -     running  -        -       -        -
//! ```

use std::{collections::BTreeMap, time::Duration};

use crate::{
    diagnostic::Findings,
    format,
    scenario::{Scenario, SystemAsked},
    section::events::Event,
    section::{Choice, Deed, Object},
    suggest,
};

/// What has become of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Paused,
    Down,
    Drained,
}

/// A node's state and since when.
#[derive(Debug, Clone, Copy)]
struct Node {
    state: State,
    since: Option<Duration>,
}

/// Why an event cannot happen.
struct Impossible {
    what: String,
    accepted: String,
    hint: Option<String>,
}

pub(super) fn check(scenario: &Scenario, findings: &mut Findings) {
    let SystemAsked::Cluster(cluster) = &scenario.system else {
        return;
    };
    let Some(nodes) = &cluster.nodes else {
        return;
    };
    let started = Node {
        state: State::Running,
        since: None,
    };
    let mut nodes: BTreeMap<u32, Node> =
        (1..=nodes.value).map(|number| (number, started)).collect();
    for (at, event) in in_order(scenario) {
        let (Some(deed), Some(name)) = (&event.deed, &event.node) else {
            continue;
        };
        if deed.value.object() != Object::Node {
            continue;
        }
        let Some(number) = name
            .value
            .strip_prefix('n')
            .and_then(|number| number.parse().ok())
        else {
            continue;
        };
        let node = nodes.get(&number).copied();
        match after(node, deed.value) {
            Some(state) => {
                let since = Some(at);
                nodes.insert(number, Node { state, since });
            }
            None => {
                let impossible = explain(&name.value, node, deed.value, &nodes);
                let finding = name
                    .spot
                    .finding(impossible.what)
                    .accepted(impossible.accepted);
                findings.add(finding.maybe_hint(impossible.hint));
            }
        }
    }
}

/// Events that have a time, by time; those of one instant in the file's order.
pub(super) fn in_order(scenario: &Scenario) -> Vec<(Duration, &Event)> {
    let timed = |event: &'_ Event| event.at.as_ref().map(|at| at.value);
    let mut events: Vec<_> = scenario
        .events
        .iter()
        .filter_map(|(_, event)| Some((timed(event)?, event)))
        .collect();
    events.sort_by_key(|(at, _)| *at);
    events
}

/// The table above.
fn after(node: Option<Node>, deed: Deed) -> Option<State> {
    match (node.map(|node| node.state), deed) {
        (None, Deed::AddNode) => Some(State::Running),
        (Some(State::Running | State::Paused), Deed::KillNode) => Some(State::Down),
        (Some(State::Running | State::Down | State::Drained), Deed::RestartNode) => {
            Some(State::Running)
        }
        (Some(State::Running), Deed::DrainNode) => Some(State::Drained),
        (Some(State::Running), Deed::PauseNode) => Some(State::Paused),
        (Some(State::Paused), Deed::ResumeNode) => Some(State::Running),
        (Some(State::Running), Deed::Fault) => Some(State::Running),
        _ => None,
    }
}

fn explain(name: &str, node: Option<Node>, deed: Deed, nodes: &BTreeMap<u32, Node>) -> Impossible {
    let what = match node {
        None => format!("{name} does not exist at that time"),
        Some(node) => format!("{name} {}", node.condition()),
    };
    let hint = match (node.map(|node| node.state), deed) {
        (None, _) => Some(format!(
            "add it before, with do = \"{}\"",
            Deed::AddNode.word()
        )),
        (Some(State::Down | State::Drained), _) => Some(format!(
            "bring it back before, with do = \"{}\"",
            Deed::RestartNode.word()
        )),
        (Some(State::Paused), _) => Some(format!(
            "let it go on before, with do = \"{}\"",
            Deed::ResumeNode.word()
        )),
        (Some(State::Running), Deed::ResumeNode) => Some(format!(
            "do = \"{}\" must come before it",
            Deed::PauseNode.word()
        )),
        (Some(State::Running), _) => None,
    };
    Impossible {
        what,
        accepted: accepted(deed, nodes),
        hint,
    }
}

/// The nodes that the deed can be done to, or the next new one.
fn accepted(deed: Deed, nodes: &BTreeMap<u32, Node>) -> String {
    if deed == Deed::AddNode {
        let next = nodes.keys().next_back().map_or(1, |last| last + 1);
        return format!("a node that never was, such as `n{next}`");
    }
    let fitting: Vec<String> = nodes
        .iter()
        .filter(|(_, node)| after(Some(**node), deed).is_some())
        .map(|(number, _)| format!("n{number}"))
        .take(8)
        .collect();
    match fitting.len() {
        0 => format!(
            "nothing: no node can be the object of \"{}\" then",
            deed.word()
        ),
        _ => suggest::list(fitting.iter().map(String::as_str)),
    }
}

impl Node {
    fn condition(self) -> String {
        let state = match self.state {
            State::Running => "runs",
            State::Paused => "is paused",
            State::Down => "is down",
            State::Drained => "was drained",
        };
        match self.since {
            Some(since) => format!("{state} then, since {}", format::written(since)),
            None => format!("{state} then, from the start"),
        }
    }
}
