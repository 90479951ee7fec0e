//! Each gate is on a metric that this scenario can measure, in a window that has values.

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    metrics::{self, Metric, MetricRequirement},
    plan::{BalancerKind, PhaseWindow, Word},
    scenario::{Scenario, System},
    section::gates::GateSection,
};

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    for gate in scenario.gates.elements() {
        let Some(check) = &gate.check.value else {
            continue;
        };
        // The value type rejects unknown metrics, so this one exists.
        let Some(metric) = metrics::find(&check.metric) else {
            continue;
        };
        if let Some(reason) = unmeasurable(metric.requirement(), scenario) {
            let message = format!(
                "{} cannot be measured here: {}",
                metric.path, reason.message
            );
            sink.report(&gate.check.location, Diagnostic { message, ..reason });
        }
        check_window(gate, &metric, sink);
    }
}

/// Returns the reason for which a metric cannot be measured in this scenario.
fn unmeasurable(requirement: MetricRequirement, scenario: &Scenario) -> Option<Diagnostic> {
    match requirement {
        MetricRequirement::Nothing => None,
        MetricRequirement::Cluster => without_cluster(scenario),
        MetricRequirement::Balancer => without_balancer(scenario),
        MetricRequirement::Commands => without_commands(scenario),
        MetricRequirement::Messages => without_messages(scenario),
        MetricRequirement::Telemetry => without_telemetry(scenario),
        MetricRequirement::Consumers => {
            without_telemetry(scenario).or_else(|| without_consumers(scenario))
        }
        MetricRequirement::ReportedOwner => {
            without_commands(scenario).or_else(|| without_owner(scenario))
        }
        MetricRequirement::TwoNodes => without_commands(scenario)
            .or_else(|| without_owner(scenario))
            .or_else(|| without_second_node(scenario)),
        MetricRequirement::NodeSockets | MetricRequirement::NodeHeap => without_endpoint(scenario),
        MetricRequirement::NodeProcess => without_process(scenario),
    }
}

fn unless(is_measurable: bool, message: &str, expected: &str) -> Option<Diagnostic> {
    (!is_measurable).then(|| Diagnostic::new(message).expected(expected))
}

fn without_commands(scenario: &Scenario) -> Option<Diagnostic> {
    unless(
        scenario.commands.is_written,
        "the scenario sends no commands",
        "a scenario with `[[commands]]`",
    )
}

fn without_messages(scenario: &Scenario) -> Option<Diagnostic> {
    unless(
        scenario.publish.is_written,
        "the scenario publishes no messages",
        "a scenario with `[[publish]]`",
    )
}

fn without_telemetry(scenario: &Scenario) -> Option<Diagnostic> {
    unless(
        scenario.telemetry.is_written,
        "the scenario sends no telemetry records",
        "a scenario with `[[telemetry]]`",
    )
}

fn without_cluster(scenario: &Scenario) -> Option<Diagnostic> {
    unless(
        !matches!(scenario.system(), System::Target(_)),
        "the harness does nothing to a system that it did not start",
        "a `[cluster]`",
    )
}

/// Returns that there is no balancer that the harness knows. It knows none of a target.
fn without_balancer(scenario: &Scenario) -> Option<Diagnostic> {
    let has_balancer = match scenario.system() {
        System::Cluster(cluster) => !cluster.balancer.is(&BalancerKind::None),
        System::Target(_) => false,
        // The system is the problem then, and is reported by itself.
        System::Both(_) | System::Neither | System::Unreadable => true,
    };
    unless(
        has_balancer,
        "the harness knows no balancer in front of the nodes",
        "a `[cluster]` with a `balancer`",
    )
}

/// Returns that no answer of the target's dialect names the owner.
fn without_owner(scenario: &Scenario) -> Option<Diagnostic> {
    let System::Target(target) = scenario.system() else {
        return None;
    };
    let dialect = target.dialect.value;
    let dialect = dialect.filter(|dialect| !dialect.features().owner)?;
    let message = format!(
        "in the {} dialect no answer says which node owned the socket",
        dialect.as_str()
    );
    Some(Diagnostic::new(message).expected("it with `dialect = \"highwater\"`"))
}

/// Returns that the consumers are foreign. Only journals of the harness's own are read.
fn without_consumers(scenario: &Scenario) -> Option<Diagnostic> {
    unless(
        !matches!(scenario.system(), System::Target(_)),
        "the consumers of a target are not the harness's own",
        "a `[cluster]` with `consumers`",
    )
}

fn without_second_node(scenario: &Scenario) -> Option<Diagnostic> {
    let cluster = scenario.only_cluster()?;
    unless(
        !cluster.nodes.is(&1) || scenario.adds_nodes(),
        "with one node no command crosses",
        "two nodes or more",
    )
}

fn without_endpoint(scenario: &Scenario) -> Option<Diagnostic> {
    let System::Target(target) = scenario.system() else {
        return None;
    };
    let mut observed = target.observe.elements().iter();
    unless(
        observed.any(|process| process.prometheus.is_written),
        "no endpoint of a node is observed",
        "a `[cluster]`, or `observe` with its `prometheus`",
    )
}

fn without_process(scenario: &Scenario) -> Option<Diagnostic> {
    let System::Target(target) = scenario.system() else {
        return None;
    };
    unless(
        !target.observe.elements().is_empty(),
        "no process of a node is observed",
        "a `[cluster]`, or `observe`",
    )
}

fn check_window(gate: &GateSection, metric: &Metric, sink: &mut DiagnosticSink) {
    let Some(window) = gate.during.value else {
        return;
    };
    let location = &gate.during.location;
    if !metric.is_windowed() {
        let message = format!("{} is measured at one moment", metric.path);
        sink.report(
            location,
            Diagnostic::new(message).expected("a gate without `during`"),
        );
    } else if matches!(window, PhaseWindow::Ramp | PhaseWindow::Drain) {
        // Sockets and heartbeats exist in every phase, other traffic in the steady phase.
        let traffic = match metric.path.split('.').next() {
            Some("commands") => "no commands are sent",
            Some("messages") => "no messages are published",
            Some("telemetry") => "no telemetry records are due",
            _ => return,
        };
        let message = format!("{traffic} in the {} phase", window.as_str());
        sink.report(
            location,
            Diagnostic::new(message).expected("\"steady\" or \"run\""),
        );
    }
}
