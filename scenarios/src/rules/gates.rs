//! Each gate is on a figure that this scenario can measure.

use crate::{
    diagnostic::Findings,
    metrics::{self, Figure, Needs},
    plan::{Balancer, Dialect, Window},
    scenario::{Scenario, SystemAsked},
    section::{Choice, gates::Gate},
};

/// Why a figure cannot be measured.
struct Reason {
    why: &'static str,
    accepted: &'static str,
}

pub(super) fn check(scenario: &Scenario, findings: &mut Findings) {
    for gate in &scenario.gates {
        let Some(check) = &gate.check else {
            continue;
        };
        let Some(figure) = metrics::find(&check.value.figure) else {
            continue;
        };
        if let Some(reason) = unmeasurable(figure.needs(), scenario) {
            let what = format!("{} cannot be measured here: {}", figure.path, reason.why);
            findings.add(check.spot.finding(what).accepted(reason.accepted));
        }
        check_window(gate, &figure, findings);
    }
}

fn unmeasurable(needs: Needs, scenario: &Scenario) -> Option<Reason> {
    let reason = |why, accepted| Some(Reason { why, accepted });
    let commands = || match scenario.commands_spot {
        Some(_) => None,
        None => reason(
            "the scenario sends no commands",
            "it in a scenario with `[[commands]]`",
        ),
    };
    let messages = || match scenario.publish_spot {
        Some(_) => None,
        None => reason(
            "the scenario publishes no messages",
            "it in a scenario with `[[publish]]`",
        ),
    };
    let readings = || match scenario.readings_spot {
        Some(_) => None,
        None => reason(
            "the scenario sends no readings",
            "it in a scenario with `[[readings]]`",
        ),
    };
    match needs {
        Needs::Messages => messages(),
        Needs::Readings => readings(),
        Needs::Consumers => readings().or_else(|| consumers(scenario)),
        Needs::Nothing => None,
        Needs::Cluster => match &scenario.system {
            SystemAsked::Target(_) => reason(
                "the harness does nothing to a system that it did not start",
                "it with a `[cluster]`",
            ),
            _ => None,
        },
        Needs::Balancer => no_balancer(scenario),
        Needs::Commands => commands(),
        Needs::Owner => commands().or_else(|| owner(scenario)),
        Needs::TwoNodes => commands()
            .or_else(|| owner(scenario))
            .or_else(|| two_nodes(scenario)),
        Needs::NodeSockets | Needs::NodeHeap => match &scenario.system {
            SystemAsked::Target(target)
                if target.observe.iter().all(|node| !node.has_prometheus) =>
            {
                reason(
                    "no endpoint of a node is observed",
                    "it with a `[cluster]`, or with `observe` and its `prometheus`",
                )
            }
            _ => None,
        },
        Needs::NodeProcess => match &scenario.system {
            SystemAsked::Target(target) if target.observe.is_empty() => reason(
                "no process of a node is observed",
                "it with a `[cluster]`, or with `observe`",
            ),
            _ => None,
        },
    }
}

/// Of a target's balancers nothing is known.
fn no_balancer(scenario: &Scenario) -> Option<Reason> {
    let none = match &scenario.system {
        SystemAsked::Cluster(cluster) => cluster.balancer.as_ref()?.value == Balancer::None,
        SystemAsked::Target(_) => true,
        _ => false,
    };
    none.then_some(Reason {
        why: "nothing that the harness knows stands in front of the nodes",
        accepted: "it with a `[cluster]` and its `balancer`",
    })
}

/// Only the reference server's answers say which node owned the socket.
fn owner(scenario: &Scenario) -> Option<Reason> {
    match &scenario.system {
        SystemAsked::Target(target) if target.dialect.as_ref()?.value == Dialect::Plain => {
            Some(Reason {
                why: "in the plain dialect no answer says which node owned the socket",
                accepted: "it with `dialect = \"highwater\"`",
            })
        }
        _ => None,
    }
}

/// Only the journals of the harness's own consumers are read.
fn consumers(scenario: &Scenario) -> Option<Reason> {
    matches!(scenario.system, SystemAsked::Target(_)).then_some(Reason {
        why: "the consumers of a target are not the harness's own",
        accepted: "it with a `[cluster]` and its `consumers`",
    })
}

fn two_nodes(scenario: &Scenario) -> Option<Reason> {
    let SystemAsked::Cluster(cluster) = &scenario.system else {
        return None;
    };
    let alone = cluster.nodes.as_ref()?.value == 1 && !scenario.adds_nodes();
    alone.then_some(Reason {
        why: "with one node no command crosses",
        accepted: "it with two nodes or more",
    })
}

fn check_window(gate: &Gate, figure: &Figure, findings: &mut Findings) {
    let Some(during) = &gate.during else {
        return;
    };
    let window = during.value;
    if !figure.is_windowed() {
        let what = format!("{} has a moment of its own", figure.path);
        findings.add(
            during
                .spot
                .finding(what)
                .accepted("a gate without `during`"),
        );
    } else if matches!(window, Window::Ramp | Window::Drain) {
        let traffic = match figure.path.split('.').next() {
            Some("commands") => "no commands are sent",
            Some("messages") => "no messages are published",
            Some("readings") => "no readings are due",
            _ => return,
        };
        let what = format!("{traffic} in the {} phase", window.word());
        findings.add(during.spot.finding(what).accepted("\"steady\" or \"run\""));
    }
}
