//! Each gate is on a metric that this scenario can measure, in a window that has values.

use std::iter;

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    metrics::{self, Metric, MetricRequirement},
    plan::{BalancerKind, PhaseWindow, Word, numbered_names},
    scenario::{Scenario, System},
    section::{Field, devices::PoolSection, gates::GateSection, observe::ObserveSection},
    suggest,
};

/// Most metrics that a message lists.
const MOST_LISTED: usize = 12;

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    for gate in scenario.gates.elements() {
        let Some(check) = &gate.check.value else {
            continue;
        };
        // The value type rejects unknown metrics, so this one exists.
        let Some(metric) = metrics::find(&check.metric) else {
            continue;
        };
        if let Some(reason) = unmeasurable(&metric, scenario) {
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
fn unmeasurable(metric: &Metric, scenario: &Scenario) -> Option<Diagnostic> {
    let commands = || without_load(&scenario.commands, "sends no commands");
    let exchanges = || without_load(&scenario.messages, "has no messages of devices");
    let telemetry = || without_load(&scenario.telemetry, "sends no telemetry records");
    let is_target = matches!(scenario.system(), System::Target(_));
    match metric.requirement {
        MetricRequirement::Nothing => None,
        MetricRequirement::Cluster => unless(
            !is_target,
            "the harness does nothing to a system that it did not start",
            "a `[cluster]`",
        ),
        MetricRequirement::Balancer => without_balancer(scenario),
        MetricRequirement::Logins => without_login(scenario),
        MetricRequirement::Commands => commands(),
        MetricRequirement::Frames => without_frames(scenario),
        MetricRequirement::OpenSteps => without_pool(scenario, "open", |pool| pool.open.is_written),
        MetricRequirement::CountedMessages => without_pool(scenario, "count_messages", |pool| {
            pool.count_messages.is_written || pool.subscribe.is_written
        }),
        MetricRequirement::Exchanges => exchanges(),
        MetricRequirement::Answers => exchanges().or_else(|| without_answers(scenario)),
        MetricRequirement::Messages => without_topics(scenario),
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
        MetricRequirement::OwnMetric => without_own_metric(&metric.path, scenario),
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

fn without_frames(scenario: &Scenario) -> Option<Diagnostic> {
    let mut pools = scenario.devices.elements().iter();
    unless(
        pools.any(PoolSection::has_frames),
        "no pool of devices declares frames",
        "a `[[devices]]` with frames, such as `answer`",
    )
}

/// Returns that no pool has a key.
fn without_pool(
    scenario: &Scenario,
    key: &str,
    has_key: impl Fn(&PoolSection) -> bool,
) -> Option<Diagnostic> {
    unless(
        scenario.devices.elements().iter().any(has_key),
        &format!("no pool of devices has `{key}`"),
        &format!("a `[[devices]]` with `{key}`"),
    )
}

/// Returns that the scenario publishes nothing. The metrics of `[[messages]]` have another
/// name, because `messages` are those of topics.
fn without_topics(scenario: &Scenario) -> Option<Diagnostic> {
    let missing = without_load(&scenario.publish, "publishes no messages")?;
    let hint = "`[[messages]]` are measured by `exchanges`, such as `exchanges.answered`";
    let hint = scenario.messages.is_written.then(|| hint.to_owned());
    Some(missing.maybe_hint(hint))
}

/// Returns that no message of a device expects an answer.
fn without_answers(scenario: &Scenario) -> Option<Diagnostic> {
    let mut loads = scenario.messages.elements().iter();
    unless(
        loads.any(|load| load.expect.is_written),
        "no message of a device expects an answer",
        "`[[messages]]` with `expect`",
    )
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
    let dialect = scenario.dialect_of(target);
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

/// Returns that no observed process has the metric that a path names.
fn without_own_metric(path: &str, scenario: &Scenario) -> Option<Diagnostic> {
    let (process, name) = metrics::parse_own_metric(path)?;
    let observed = scenario.target.value.iter();
    let observed = observed.flat_map(|target| target.observe.elements());
    let known: Vec<(String, &str)> = observed.flat_map(own_metric_names).collect();
    let is_known = known.iter().any(|(p, n)| p == process && *n == name);
    let known: Vec<String> = known.iter().map(|(p, n)| format!("{p}.{n}")).collect();
    let expected = match known.as_slice() {
        [] => "`metrics` of a `[[target.observe]]`".to_owned(),
        few if few.len() <= MOST_LISTED => suggest::quoted_list(few.iter().map(String::as_str)),
        more => format!("one of the {} metrics of `observe`", more.len()),
    };
    let wanted = format!("{process}.{name}");
    let hint = suggest::did_you_mean(&wanted, known.iter().map(String::as_str));
    (!is_known).then(|| {
        Diagnostic::new(format!("no observed process has the metric `{wanted}`"))
            .expected(expected)
            .maybe_hint(hint)
    })
}

/// Returns the metrics of an observed process, each with the names that gates know it by: the
/// process's name, and the numbered one of each of several endpoints.
fn own_metric_names(process: &ObserveSection) -> Vec<(String, &str)> {
    let name = process.name.text();
    let endpoints = process.prometheus.elements().len();
    let numbered = numbered_names(name, endpoints).filter(|_| endpoints > 1);
    let names: Vec<String> = iter::once(name.to_owned()).chain(numbered).collect();
    let metrics = process.metrics.elements().iter();
    metrics
        .flat_map(|metric| {
            names
                .iter()
                .map(|name| (name.clone(), metric.name.as_str()))
        })
        .collect()
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
            Some("exchanges") => "no messages of devices are due",
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
