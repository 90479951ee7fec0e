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

use super::schedule::events_by_time;
use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    plan::{EventKind, TargetKind, Word},
    scenario::Scenario,
    suggest,
};

/// Most names of nodes that a message lists.
const MAX_LISTED_NODES: usize = 8;

/// The state of a node at a time of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NodeState {
    Running,
    Paused,
    Down,
    Drained,
}

/// A node's state, and the event that led to it; `None` from the start.
#[derive(Debug, Clone, Copy)]
struct SimulatedNode {
    state: NodeState,
    since: Option<Duration>,
}

/// The nodes by their number.
type SimulatedNodes = BTreeMap<u32, SimulatedNode>;

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    let Some(count) = scenario
        .only_cluster()
        .and_then(|cluster| cluster.nodes.value)
    else {
        return;
    };
    let started = SimulatedNode {
        state: NodeState::Running,
        since: None,
    };
    let mut nodes: SimulatedNodes = (1..=count).map(|number| (number, started)).collect();
    for (at, event) in events_by_time(scenario) {
        let (Some(kind), Some(name)) = (event.kind.value, &event.node.value) else {
            continue;
        };
        // Such an event has no node, which another rule reports.
        if kind.target() != TargetKind::Node {
            continue;
        }
        let Some(Ok(number)) = name.strip_prefix('n').map(str::parse::<u32>) else {
            continue;
        };
        let node = nodes.get(&number).copied();
        match next_state(node, kind) {
            Some(state) => {
                let since = Some(at);
                nodes.insert(number, SimulatedNode { state, since });
            }
            // The state stays, so that the events behind it are judged as without this one.
            None => sink.report(
                &event.node.location,
                explain_impossible(name, node, kind, &nodes),
            ),
        }
    }
}

/// Returns the state after an event, by the table above.
fn next_state(node: Option<SimulatedNode>, kind: EventKind) -> Option<NodeState> {
    use EventKind::{AddNode, DrainNode, Fault, KillNode, PauseNode, RestartNode, ResumeNode};
    use NodeState::{Down, Drained, Paused, Running};
    match (node.map(|node| node.state), kind) {
        (None, AddNode) => Some(Running),
        (Some(Running | Paused), KillNode) => Some(Down),
        (Some(Running | Down | Drained), RestartNode) => Some(Running),
        (Some(Running), DrainNode) => Some(Drained),
        (Some(Running), PauseNode) => Some(Paused),
        (Some(Paused), ResumeNode) => Some(Running),
        (Some(Running), Fault) => Some(Running),
        _ => None,
    }
}

fn explain_impossible(
    name: &str,
    node: Option<SimulatedNode>,
    kind: EventKind,
    nodes: &SimulatedNodes,
) -> Diagnostic {
    let message = match node {
        None => format!("{name} does not exist at that time"),
        Some(node) => format!("{name} {}", node.describe_state()),
    };
    let hint = match (node.map(|node| node.state), kind) {
        (None, _) => Some(("add it before, with", EventKind::AddNode)),
        (Some(NodeState::Down | NodeState::Drained), _) => {
            Some(("restart it before, with", EventKind::RestartNode))
        }
        (Some(NodeState::Paused), _) => Some(("resume it before, with", EventKind::ResumeNode)),
        (Some(NodeState::Running), EventKind::ResumeNode) => {
            Some(("pause it before, with", EventKind::PauseNode))
        }
        (Some(NodeState::Running), _) => None,
    };
    Diagnostic::new(message)
        .expected(expected_nodes(kind, nodes))
        .maybe_hint(hint.map(|(advice, kind)| format!("{advice} do = \"{}\"", kind.as_str())))
}

/// Returns the nodes for which the event would be possible, or the next new one.
fn expected_nodes(kind: EventKind, nodes: &SimulatedNodes) -> String {
    if kind == EventKind::AddNode {
        // A number behind all that ever were: a killed node keeps its name.
        let next = nodes.keys().next_back().map_or(1, |last| last + 1);
        return format!("a new node, such as `n{next}`");
    }
    let fitting: Vec<String> = nodes
        .iter()
        .filter(|(_, node)| next_state(Some(**node), kind).is_some())
        .map(|(number, _)| format!("n{number}"))
        .take(MAX_LISTED_NODES)
        .collect();
    match fitting.len() {
        0 => format!(
            "nothing: \"{}\" is possible for no node then",
            kind.as_str()
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
