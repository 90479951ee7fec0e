//! The list of all rules.

use super::{
    backplane, balancer, broker_events, commands, consumer_events, events, frames, gates, login,
    messages, names, node_events, observe, phase_bounds, publish, reconnect, stomp, system, target,
    telemetry, values,
};
use crate::{data::PoolData, diagnostic::DiagnosticSink, scenario::Scenario};

/// Checks every rule over the whole scenario, with the data of each pool.
pub(crate) fn check(scenario: &Scenario, data: &[PoolData], sink: &mut DiagnosticSink) {
    for rule in [
        system::check,
        target::check,
        observe::check,
        backplane::check,
        balancer::check,
        names::check,
        reconnect::check,
        login::check,
    ] {
        rule(scenario, sink);
    }
    for rule in [
        frames::check,
        stomp::check,
        commands::check,
        messages::check,
    ] {
        rule(scenario, data, sink);
    }
    for rule in [
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
    values::check(scenario, data, sink);
}
