//! Each gate is on a metric that this scenario can measure.

use crate::{
    diagnostic::DiagnosticSink,
    metrics::{self, Metric, MetricRequirement},
    plan::{BalancerKind, Dialect, PhaseWindow},
    scenario::{Scenario, SystemSection},
    section::{Choice, gates::GateSection},
};

/// Why a metric cannot be measured.
struct UnmeasurableReason {
    message: &'static str,
    expected: &'static str,
}

pub(super) fn check(scenario: &Scenario, findings: &mut DiagnosticSink) {
    for gate in &scenario.gates {
        let Some(check) = &gate.check else {
            continue;
        };
        let Some(figure) = metrics::find(&check.value.metric) else {
            continue;
        };
        if let Some(reason) = unmeasurable_reason(figure.requirement(), scenario) {
            let what = format!(
                "{} cannot be measured here: {}",
                figure.path, reason.message
            );
            findings.add(check.location.diagnostic(what).expected(reason.expected));
        }
        check_window(gate, &figure, findings);
    }
}

fn unmeasurable_reason(
    needs: MetricRequirement,
    scenario: &Scenario,
) -> Option<UnmeasurableReason> {
    let reason = |why, accepted| {
        Some(UnmeasurableReason {
            message: why,
            expected: accepted,
        })
    };
    let commands = || match scenario.commands_location {
        Some(_) => None,
        None => reason(
            "the scenario sends no commands",
            "it in a scenario with `[[commands]]`",
        ),
    };
    let messages = || match scenario.publish_location {
        Some(_) => None,
        None => reason(
            "the scenario publishes no messages",
            "it in a scenario with `[[publish]]`",
        ),
    };
    let readings = || match scenario.telemetry_location {
        Some(_) => None,
        None => reason(
            "the scenario sends no telemetry records",
            "it in a scenario with `[[telemetry]]`",
        ),
    };
    match needs {
        MetricRequirement::Messages => messages(),
        MetricRequirement::Telemetry => readings(),
        MetricRequirement::Consumers => readings().or_else(|| without_consumers(scenario)),
        MetricRequirement::Nothing => None,
        MetricRequirement::Cluster => match &scenario.system {
            SystemSection::Target(_) => reason(
                "the harness does nothing to a system that it did not start",
                "it with a `[cluster]`",
            ),
            _ => None,
        },
        MetricRequirement::Balancer => without_balancer(scenario),
        MetricRequirement::Commands => commands(),
        MetricRequirement::ReportedOwner => commands().or_else(|| without_owner(scenario)),
        MetricRequirement::TwoNodes => commands()
            .or_else(|| without_owner(scenario))
            .or_else(|| without_second_node(scenario)),
        MetricRequirement::NodeSockets | MetricRequirement::NodeHeap => match &scenario.system {
            SystemSection::Target(target)
                if target.observe.iter().all(|node| !node.has_prometheus) =>
            {
                reason(
                    "no endpoint of a node is observed",
                    "it with a `[cluster]`, or with `observe` and its `prometheus`",
                )
            }
            _ => None,
        },
        MetricRequirement::NodeProcess => match &scenario.system {
            SystemSection::Target(target) if target.observe.is_empty() => reason(
                "no process of a node is observed",
                "it with a `[cluster]`, or with `observe`",
            ),
            _ => None,
        },
    }
}

/// Of a target's balancers nothing is known.
fn without_balancer(scenario: &Scenario) -> Option<UnmeasurableReason> {
    let none = match &scenario.system {
        SystemSection::Cluster(cluster) => cluster.balancer.as_ref()?.value == BalancerKind::None,
        SystemSection::Target(_) => true,
        _ => false,
    };
    none.then_some(UnmeasurableReason {
        message: "nothing that the harness knows stands in front of the nodes",
        expected: "it with a `[cluster]` and its `balancer`",
    })
}

/// Only the reference server's answers say which node owned the socket.
fn without_owner(scenario: &Scenario) -> Option<UnmeasurableReason> {
    match &scenario.system {
        SystemSection::Target(target) if target.dialect.as_ref()?.value == Dialect::Plain => {
            Some(UnmeasurableReason {
                message: "in the plain dialect no answer says which node owned the socket",
                expected: "it with `dialect = \"highwater\"`",
            })
        }
        _ => None,
    }
}

/// Only the journals of the harness's own consumers are read.
fn without_consumers(scenario: &Scenario) -> Option<UnmeasurableReason> {
    matches!(scenario.system, SystemSection::Target(_)).then_some(UnmeasurableReason {
        message: "the consumers of a target are not the harness's own",
        expected: "it with a `[cluster]` and its `consumers`",
    })
}

fn without_second_node(scenario: &Scenario) -> Option<UnmeasurableReason> {
    let SystemSection::Cluster(cluster) = &scenario.system else {
        return None;
    };
    let alone = cluster.nodes.as_ref()?.value == 1 && !scenario.adds_nodes();
    alone.then_some(UnmeasurableReason {
        message: "with one node no command crosses",
        expected: "it with two nodes or more",
    })
}

fn check_window(gate: &GateSection, figure: &Metric, findings: &mut DiagnosticSink) {
    let Some(during) = &gate.during else {
        return;
    };
    let window = during.value;
    if !figure.is_windowed() {
        let what = format!("{} has a moment of its own", figure.path);
        findings.add(
            during
                .location
                .diagnostic(what)
                .expected("a gate without `during`"),
        );
    } else if matches!(window, PhaseWindow::Ramp | PhaseWindow::Drain) {
        let traffic = match figure.path.split('.').next() {
            Some("commands") => "no commands are sent",
            Some("messages") => "no messages are published",
            Some("telemetry") => "no telemetry records are due",
            _ => return,
        };
        let what = format!("{traffic} in the {} phase", window.as_str());
        findings.add(
            during
                .location
                .diagnostic(what)
                .expected("\"steady\" or \"run\""),
        );
    }
}
