//! One system under load, and enough of it for what the scenario does.

use crate::{
    diagnostic::{DiagnosticBuilder, DiagnosticSink},
    plan::{Dialect, PublishFrom},
    scenario::{Scenario, SystemSection},
    section::{publish::PublishSection, target::TargetSection},
    tree::SourceSpan,
};

pub(super) fn check(scenario: &Scenario, findings: &mut DiagnosticSink) {
    match &scenario.system {
        SystemSection::Both(spot) => {
            let finding = spot.diagnostic_without_value("both `[cluster]` and `[target]`");
            findings.add(
                finding.expected("one of them: a cluster to start, or a system that is running"),
            );
        }
        SystemSection::Neither => {
            let what = "neither `[cluster]` nor `[target]`";
            let finding = DiagnosticBuilder::missing(&SourceSpan::File(0..0), "cluster", what);
            findings.add(
                finding.expected("one of them: a cluster to start, or a system that is running"),
            );
        }
        SystemSection::Target(target) => {
            if scenario.commands_location.is_some() && !target.has_http {
                let finding = target
                    .http_location
                    .missing("commands have no address to go to");
                findings.add(finding.expected("`http = \"http://host:port\"` beside `ws`"));
            }
            check_publish(scenario, target, findings);
            for (spot, _) in &scenario.events {
                let finding =
                    spot.diagnostic("an event on a system that the harness did not start");
                findings.add(finding.expected("events with a `[cluster]`"));
            }
        }
        SystemSection::Cluster(_) | SystemSection::Unreadable => {}
    }
    check_devices(scenario, findings);
}

/// Topics belong to the reference server's dialect.
fn check_publish(scenario: &Scenario, target: &TargetSection, findings: &mut DiagnosticSink) {
    let Some(spot) = &scenario.publish_location else {
        return;
    };
    let from_rest = |load: &PublishSection| {
        load.from
            .as_ref()
            .is_some_and(|at| at.value == PublishFrom::Rest)
    };
    if target
        .dialect
        .as_ref()
        .is_some_and(|at| at.value == Dialect::Plain)
    {
        let finding = spot.diagnostic_without_value("topics in the plain dialect");
        findings.add(finding.expected("`[[publish]]` with `dialect = \"highwater\"`"));
    } else if !target.has_http
        && scenario.commands_location.is_none()
        && scenario.publish.iter().any(from_rest)
    {
        let finding = target
            .http_location
            .missing("messages have no address to go to");
        findings.add(finding.expected("`http = \"http://host:port\"` beside `ws`"));
    }
}

fn check_devices(scenario: &Scenario, findings: &mut DiagnosticSink) {
    // Where they are written and cannot be read, that is reported.
    if !scenario.devices.is_empty() || scenario.has_devices {
        return;
    }
    let finding = match &scenario.commands_location {
        Some(spot) => spot.missing("commands without devices to send them to"),
        None => {
            DiagnosticBuilder::missing(&SourceSpan::File(0..0), "devices", "no pool of devices")
        }
    };
    findings.add(finding.expected("at least one `[[devices]]`"));
}
