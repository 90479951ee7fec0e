//! Each gate is on a metric that this scenario can measure, in a window that has values.

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    metrics::{self, Metric, MetricRequirement},
    plan::{BalancerKind, PhaseWindow, Word},
    scenario::{Scenario, System},
    section::{Field, gates::GateSection},
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
        if let Some(reason) = unmeasurable(metric.requirement, scenario) {
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
    let commands = || without_load(&scenario.commands, "sends no commands");
    let telemetry = || without_load(&scenario.telemetry, "sends no telemetry records");
    let is_target = matches!(scenario.system(), System::Target(_));
    match requirement {
        MetricRequirement::Nothing => None,
        MetricRequirement::Cluster => unless(
            !is_target,
            "the harness does nothing to a system that it did not start",
            "a `[cluster]`",
        ),
        MetricRequirement::Balancer => without_balancer(scenario),
        MetricRequirement::Logins => without_login(scenario),
        MetricRequirement::Commands => commands(),
        MetricRequirement::Messages => without_load(&scenario.publish, "publishes no messages"),
        MetricRequirement::Telemetry => telemetry(),
        // Only journals of the harness's own consumers are read.
        MetricRequirement::Consumers => telemetry().or_else(|| {
            unless(
                !is_target,
                "the consumers of a target are not the harness's own",
                "a `[cluster]` with `consumers`",
            )
        }),
        // Without commands no answer names a node, so that problem comes first.
        MetricRequirement::ReportedOwner => commands().or_else(|| without_owner(scenario)),
        MetricRequirement::TwoNodes => commands()
            .or_else(|| without_owner(scenario))
            .or_else(|| without_second_node(scenario)),
        MetricRequirement::NodeSockets | MetricRequirement::NodeHeap => without_endpoint(scenario),
        MetricRequirement::NodeProcess => without_process(scenario),
    }
}

fn unless(is_measurable: bool, message: &str, expected: &str) -> Option<Diagnostic> {
    (!is_measurable).then(|| Diagnostic::new(message).expected(expected))
}

/// Returns that the scenario has no load of a kind; `verb` says what it does not do.
fn without_load<S>(loads: &Field<Vec<S>>, verb: &str) -> Option<Diagnostic> {
    let expected = format!("a scenario with `[[{}]]`", loads.key.name);
    unless(loads.is_written, &format!("the scenario {verb}"), &expected)
}

fn without_login(scenario: &Scenario) -> Option<Diagnostic> {
    let mut pools = scenario.devices.elements().iter();
    unless(
        pools.any(|pool| pool.login.is_written),
        "no pool of the scenario logs in",
        "a pool with `login`",
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
    Some(Diagnostic::new(message).expected("`dialect = \"highwater\"`"))
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
    // A metric of one moment has the same value in every window.
    let (message, expected) = if !metric.is_windowed {
        let message = format!("{} is measured at one moment", metric.path);
        (message, "a gate without `during`")
    } else if matches!(window, PhaseWindow::Ramp | PhaseWindow::Drain) {
        // Sockets and heartbeats exist in every phase, other traffic in the steady phase.
        let traffic = match metric.path.split('.').next() {
            Some("commands") => "no commands are sent",
            Some("messages") => "no messages are published",
            Some("telemetry") => "no telemetry records are due",
            _ => return,
        };
        let message = format!("{traffic} in the {} phase", window.as_str());
        (message, "\"steady\" or \"run\"")
    } else {
        return;
    };
    let diagnostic = Diagnostic::new(message).expected(expected);
    sink.report(&gate.during.location, diagnostic);
}
