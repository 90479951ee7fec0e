//! Rules over several values, each of which is valid by itself. Each file holds the rules
//! of one subject and adds every problem that it finds.
//!
//! - one table: [`target`], [`reconnect`], [`commands`], [`events`];
//! - several tables: [`system`], [`backplane`], [`balancer`], [`names`], [`pool`],
//!   [`publish`], [`telemetry`], [`phase_bounds`], [`gates`];
//! - the order of events: [`node_events`], [`broker_events`], [`consumer_events`].

mod backplane;
mod balancer;
mod broker_events;
mod commands;
mod consumer_events;
mod events;
mod gates;
mod names;
mod node_events;
mod phase_bounds;
mod pool;
mod publish;
mod reconnect;
mod schedule;
mod system;
mod target;
mod telemetry;

use crate::{diagnostic::DiagnosticSink, scenario::Scenario};

/// Checks every rule over the whole scenario.
pub(crate) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    for rule in [
        system::check,
        target::check,
        backplane::check,
        balancer::check,
        names::check,
        reconnect::check,
        commands::check,
        publish::check,
        telemetry::check,
        events::check,
        consumer_events::check,
        phase_bounds::check,
        node_events::check,
        broker_events::check,
        gates::check,
    ] {
        rule(scenario, sink);
    }
}
