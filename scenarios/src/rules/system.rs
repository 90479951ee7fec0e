//! One system under load, and enough of it for what the scenario does.

use crate::{
    diagnostic::{Finding, Findings},
    plan::{Dialect, PublishFrom},
    scenario::{Scenario, SystemAsked},
    section::{publish::Publish, target::Target},
    tree::Origin,
};

pub(super) fn check(scenario: &Scenario, findings: &mut Findings) {
    match &scenario.system {
        SystemAsked::Both(spot) => {
            let finding = spot.finding_of_place("both `[cluster]` and `[target]`");
            findings.add(
                finding.accepted("one of them: a cluster to start, or a system that is running"),
            );
        }
        SystemAsked::Neither => {
            let what = "neither `[cluster]` nor `[target]`";
            let finding = Finding::absence(&Origin::File(0..0), "cluster", what);
            findings.add(
                finding.accepted("one of them: a cluster to start, or a system that is running"),
            );
        }
        SystemAsked::Target(target) => {
            if scenario.commands_spot.is_some() && !target.has_http {
                let finding = target
                    .http_spot
                    .absence("commands have no address to go to");
                findings.add(finding.accepted("`http = \"http://host:port\"` beside `ws`"));
            }
            check_publish(scenario, target, findings);
            for (spot, _) in &scenario.events {
                let finding = spot.finding("an event on a system that the harness did not start");
                findings.add(finding.accepted("events with a `[cluster]`"));
            }
        }
        SystemAsked::Cluster(_) | SystemAsked::Unreadable => {}
    }
    check_devices(scenario, findings);
}

/// Topics belong to the reference server's dialect.
fn check_publish(scenario: &Scenario, target: &Target, findings: &mut Findings) {
    let Some(spot) = &scenario.publish_spot else {
        return;
    };
    let from_rest = |load: &Publish| {
        load.from
            .as_ref()
            .is_some_and(|at| at.value == PublishFrom::Rest)
    };
    if target
        .dialect
        .as_ref()
        .is_some_and(|at| at.value == Dialect::Plain)
    {
        let finding = spot.finding_of_place("topics in the plain dialect");
        findings.add(finding.accepted("`[[publish]]` with `dialect = \"highwater\"`"));
    } else if !target.has_http
        && scenario.commands_spot.is_none()
        && scenario.publish.iter().any(from_rest)
    {
        let finding = target
            .http_spot
            .absence("messages have no address to go to");
        findings.add(finding.accepted("`http = \"http://host:port\"` beside `ws`"));
    }
}

fn check_devices(scenario: &Scenario, findings: &mut Findings) {
    // Where they are written and cannot be read, that is reported.
    if !scenario.devices.is_empty() || scenario.has_devices {
        return;
    }
    let finding = match &scenario.commands_spot {
        Some(spot) => spot.absence("commands without devices to send them to"),
        None => Finding::absence(&Origin::File(0..0), "devices", "no pool of devices"),
    };
    findings.add(finding.accepted("at least one `[[devices]]`"));
}
