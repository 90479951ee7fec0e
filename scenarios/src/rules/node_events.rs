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

use highwater_types::format;

use crate::{
    diagnostic::DiagnosticSink,
    scenario::{Scenario, SystemSection},
    section::events::EventSection,
    section::{Choice, EventKind, TargetKind},
    suggest,
};

/// What has become of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NodeState {
    Running,
    Paused,
    Down,
    Drained,
}

/// A node's state and since when.
#[derive(Debug, Clone, Copy)]
struct SimulatedNode {
    state: NodeState,
    since: Option<Duration>,
}

/// Why an event cannot happen.
struct ImpossibleEvent {
    message: String,
    expected: String,
    hint: Option<String>,
}

pub(super) fn check(scenario: &Scenario, findings: &mut DiagnosticSink) {
    let SystemSection::Cluster(cluster) = &scenario.system else {
        return;
    };
    let Some(nodes) = &cluster.nodes else {
        return;
    };
    let started = SimulatedNode {
        state: NodeState::Running,
        since: None,
    };
    let mut nodes: BTreeMap<u32, SimulatedNode> =
        (1..=nodes.value).map(|number| (number, started)).collect();
    for (at, event) in events_by_time(scenario) {
        let (Some(deed), Some(name)) = (&event.kind, &event.node) else {
            continue;
        };
        if deed.value.target_kind() != TargetKind::Node {
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
        match next_state(node, deed.value) {
            Some(state) => {
                let since = Some(at);
                nodes.insert(number, SimulatedNode { state, since });
            }
            None => {
                let impossible = explain_impossible(&name.value, node, deed.value, &nodes);
                let finding = name
                    .location
                    .diagnostic(impossible.message)
                    .expected(impossible.expected);
                findings.add(finding.maybe_hint(impossible.hint));
            }
        }
    }
}

/// Events that have a time, by time; those of one instant in the file's order.
pub(super) fn events_by_time(scenario: &Scenario) -> Vec<(Duration, &EventSection)> {
    let timed = |event: &'_ EventSection| event.at.as_ref().map(|at| at.value);
    let mut events: Vec<_> = scenario
        .events
        .iter()
        .filter_map(|(_, event)| Some((timed(event)?, event)))
        .collect();
    events.sort_by_key(|(at, _)| *at);
    events
}

/// The table above.
fn next_state(node: Option<SimulatedNode>, deed: EventKind) -> Option<NodeState> {
    match (node.map(|node| node.state), deed) {
        (None, EventKind::AddNode) => Some(NodeState::Running),
        (Some(NodeState::Running | NodeState::Paused), EventKind::KillNode) => {
            Some(NodeState::Down)
        }
        (
            Some(NodeState::Running | NodeState::Down | NodeState::Drained),
            EventKind::RestartNode,
        ) => Some(NodeState::Running),
        (Some(NodeState::Running), EventKind::DrainNode) => Some(NodeState::Drained),
        (Some(NodeState::Running), EventKind::PauseNode) => Some(NodeState::Paused),
        (Some(NodeState::Paused), EventKind::ResumeNode) => Some(NodeState::Running),
        (Some(NodeState::Running), EventKind::Fault) => Some(NodeState::Running),
        _ => None,
    }
}

fn explain_impossible(
    name: &str,
    node: Option<SimulatedNode>,
    deed: EventKind,
    nodes: &BTreeMap<u32, SimulatedNode>,
) -> ImpossibleEvent {
    let what = match node {
        None => format!("{name} does not exist at that time"),
        Some(node) => format!("{name} {}", node.describe_state()),
    };
    let hint = match (node.map(|node| node.state), deed) {
        (None, _) => Some(format!(
            "add it before, with do = \"{}\"",
            EventKind::AddNode.as_str()
        )),
        (Some(NodeState::Down | NodeState::Drained), _) => Some(format!(
            "bring it back before, with do = \"{}\"",
            EventKind::RestartNode.as_str()
        )),
        (Some(NodeState::Paused), _) => Some(format!(
            "let it go on before, with do = \"{}\"",
            EventKind::ResumeNode.as_str()
        )),
        (Some(NodeState::Running), EventKind::ResumeNode) => Some(format!(
            "do = \"{}\" must come before it",
            EventKind::PauseNode.as_str()
        )),
        (Some(NodeState::Running), _) => None,
    };
    ImpossibleEvent {
        message: what,
        expected: expected_nodes(deed, nodes),
        hint,
    }
}

/// The nodes that the deed can be done to, or the next new one.
fn expected_nodes(deed: EventKind, nodes: &BTreeMap<u32, SimulatedNode>) -> String {
    if deed == EventKind::AddNode {
        let next = nodes.keys().next_back().map_or(1, |last| last + 1);
        return format!("a node that never was, such as `n{next}`");
    }
    let fitting: Vec<String> = nodes
        .iter()
        .filter(|(_, node)| next_state(Some(**node), deed).is_some())
        .map(|(number, _)| format!("n{number}"))
        .take(8)
        .collect();
    match fitting.len() {
        0 => format!(
            "nothing: no node can be the object of \"{}\" then",
            deed.as_str()
        ),
        _ => suggest::quoted_list(fitting.iter().map(String::as_str)),
    }
}

impl SimulatedNode {
    fn describe_state(self) -> String {
        let state = match self.state {
            NodeState::Running => "runs",
            NodeState::Paused => "is paused",
            NodeState::Down => "is down",
            NodeState::Drained => "was drained",
        };
        match self.since {
            Some(since) => format!("{state} then, since {}", format::toml_duration(since)),
            None => format!("{state} then, from the start"),
        }
    }
}
