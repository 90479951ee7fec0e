//! A scenario has one system, and the system has what the load needs.

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink, ValueLocation},
    plan::{PublishFrom, Word},
    scenario::{Scenario, System},
    section::{Section, target::TargetSection},
};

const ONE_SYSTEM: &str = "one of them: a cluster to start, or a system that is running";
const HTTP: &str = "`http = \"http://host:port\"` beside `ws`";

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    match scenario.system() {
        System::Both(target) => sink.report(
            &target.without_value(),
            Diagnostic::new("both `[cluster]` and `[target]`").expected(ONE_SYSTEM),
        ),
        System::Neither => sink.report_missing(
            &ValueLocation::absent("cluster"),
            Diagnostic::new("neither `[cluster]` nor `[target]`").expected(ONE_SYSTEM),
        ),
        // Targets lack what the harness gives its own cluster: addresses and events.
        System::Target(target) => check_target(scenario, target, sink),
        System::Cluster(_) | System::Unreadable => {}
    }
    check_devices(scenario, sink);
}

fn check_target(scenario: &Scenario, target: &TargetSection, sink: &mut DiagnosticSink) {
    if scenario.commands.is_written && !target.http.is_written {
        let diagnostic = Diagnostic::new("commands have no address to go to");
        sink.report_missing(&target.http.location, diagnostic.expected(HTTP));
    }
    check_publish(scenario, target, sink);
    for event in scenario.events.elements() {
        sink.report(
            event.location(),
            Diagnostic::new("an event on a system that the harness did not start")
                .expected("events with a `[cluster]`"),
        );
    }
}

/// Checks that the target's dialect has topics, and the target an address for callers that
/// publish.
fn check_publish(scenario: &Scenario, target: &TargetSection, sink: &mut DiagnosticSink) {
    let publish = &scenario.publish;
    if !publish.is_written {
        return;
    }
    let from_rest = || {
        let mut loads = publish.elements().iter();
        loads.any(|load| load.from.is(&PublishFrom::Rest))
    };
    let dialect = scenario.dialect_of(target);
    if let Some(dialect) = dialect.filter(|dialect| !dialect.features().topics) {
        let message = format!("topics in the {} dialect", dialect.as_str());
        sink.report(
            &publish.location.without_value(),
            Diagnostic::new(message)
                .expected("`[[publish]]` with `dialect = \"highwater\"` or `dialect = \"stomp\"`"),
        );
    // Beside commands, the missing address is reported already.
    } else if !target.http.is_written && !scenario.commands.is_written && from_rest() {
        let diagnostic = Diagnostic::new("messages have no address to go to");
        sink.report_missing(&target.http.location, diagnostic.expected(HTTP));
    }
}

fn check_devices(scenario: &Scenario, sink: &mut DiagnosticSink) {
    // An empty or unreadable list is reported where it is read.
    if scenario.devices.is_written {
        return;
    }
    let (location, message) = match scenario.commands.is_written {
        true => (
            scenario.commands.location.clone(),
            "commands without devices to send them to",
        ),
        false => (ValueLocation::absent("devices"), "no pool of devices"),
    };
    let diagnostic = Diagnostic::new(message).expected("at least one `[[devices]]`");
    sink.report_missing(&location, diagnostic);
}
