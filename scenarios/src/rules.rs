//! What no single value can violate: values held against each other. One file
//! per rule; each adds all it finds.

mod backplane;
mod balancer;
mod broker_events;
mod consumer_events;
mod gates;
mod names;
mod node_events;
mod phase_bounds;
mod pool;
mod publish;
mod system;
mod telemetry;

use crate::{diagnostic::DiagnosticSink, scenario::Scenario};

/// Every rule over the whole scenario.
pub(crate) fn check(scenario: &Scenario, findings: &mut DiagnosticSink) {
    system::check(scenario, findings);
    backplane::check(scenario, findings);
    balancer::check(scenario, findings);
    names::check(scenario, findings);
    publish::check(scenario, findings);
    telemetry::check(scenario, findings);
    consumer_events::check(scenario, findings);
    phase_bounds::check(scenario, findings);
    node_events::check(scenario, findings);
    broker_events::check(scenario, findings);
    gates::check(scenario, findings);
}
