//! The keys of `broker` fit the backplane, and those of `telemetry_broker` the queue of telemetry.

use highwater_types::{BrokerMonitoring, BrokerUrl};

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    scenario::Scenario,
    section::{Section, broker::BrokerSection, cluster::ClusterSection},
    value::BackplaneAddress,
};

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    let Some(cluster) = scenario.only_cluster() else {
        return;
    };
    check_backplane(cluster, sink);
    check_telemetry(scenario, cluster, sink);
    check_authorities(cluster, sink);
}

fn check_backplane(cluster: &ClusterSection, sink: &mut DiagnosticSink) {
    let (Some(broker), Some(backplane)) = (&cluster.broker.value, &cluster.backplane.value) else {
        return;
    };
    match backplane {
        BackplaneAddress::Broker(url) => check_monitor(broker, url, "the backplane", sink),
        BackplaneAddress::Local => sink.report(
            broker.location(),
            Diagnostic::new("the harness measures the embedded broker by itself")
                .expected("`broker` beside a `backplane` that is an address"),
        ),
    }
}

/// Checks that a broker for telemetry has telemetry and consumers.
fn check_telemetry(scenario: &Scenario, cluster: &ClusterSection, sink: &mut DiagnosticSink) {
    if let Some(broker) = &cluster.telemetry_broker.value {
        match &cluster.telemetry.value {
            Some(url) => check_monitor(broker, url, "the queue", sink),
            // An invalid address is reported by itself.
            None if cluster.telemetry.is_written => {}
            None => sink.report(
                broker.location(),
                Diagnostic::new("there is no such broker")
                    .expected("`telemetry_broker` beside the address of `telemetry`"),
            ),
        }
    }
    if !cluster.telemetry.is_written {
        return;
    }
    if cluster.consumers.is(&0) {
        sink.report(
            &cluster.telemetry.location,
            Diagnostic::new("a broker for telemetry without consumers")
                .expected("`consumers = 3` in `[cluster]`, or another number"),
        );
    } else if !scenario.telemetry.is_written {
        sink.report(
            &cluster.telemetry.location,
            Diagnostic::new("a broker for telemetry that no device sends")
                .expected("`[[telemetry]]` beside it"),
        );
    }
}

fn check_monitor(
    broker: &BrokerSection,
    url: &BrokerUrl,
    address_of: &str,
    sink: &mut DiagnosticSink,
) {
    let asked = match url.kind().monitoring() {
        BrokerMonitoring::HttpPort(_) => return,
        BrokerMonitoring::Command(command) => {
            format!("it is asked with {command} at {address_of}'s own address")
        }
        BrokerMonitoring::Protocol => {
            format!("it is asked in its own protocol at {address_of}'s own address")
        }
        BrokerMonitoring::Service => "its provider tells its users no metrics".to_owned(),
    };
    if broker.monitor.value.is_some() {
        let name = url.kind().name();
        sink.report(
            &broker.monitor.location,
            Diagnostic::new(format!("{name} has no monitoring endpoint"))
                .expected("`pid`, or nothing")
                .hint(asked),
        );
    }
}

/// Checks that one file holds the authorities of both brokers: a node takes one file.
fn check_authorities(cluster: &ClusterSection, sink: &mut DiagnosticSink) {
    let (Some(broker), Some(telemetry)) = (&cluster.broker.value, &cluster.telemetry_broker.value)
    else {
        return;
    };
    if let (Some(first), Some(second)) = (&broker.ca.value, &telemetry.ca.value)
        && first != second
    {
        sink.report(
            &telemetry.ca.location,
            Diagnostic::new("two files of authorities")
                .expected("the file of `broker`, with the authorities of both brokers"),
        );
    }
}
