//! The list of all rules.

use super::{
    backplane, balancer, broker_events, commands, consumer_events, events, frames, gates, messages,
    names, node_events, observe, phase_bounds, publish, reconnect, system, target, telemetry,
};
use crate::{diagnostic::DiagnosticSink, scenario::Scenario};

/// Checks every rule over the whole scenario.
pub(crate) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    for rule in [
        system::check,
        target::check,
        observe::check,
        backplane::check,
        balancer::check,
        names::check,
        reconnect::check,
        frames::check,
        commands::check,
        messages::check,
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
