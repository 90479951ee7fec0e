//! What no single value can violate: values held against each other. One file
//! per rule; each adds all it finds.

mod backplane;
mod balancer;
mod broker;
mod consumers;
mod gates;
mod names;
mod pool;
mod publish;
mod readings;
mod system;
mod timeline;
mod windows;

use crate::{problem::Findings, scenario::Scenario};

/// Every rule over the whole scenario.
pub(crate) fn check(scenario: &Scenario, findings: &mut Findings) {
    system::check(scenario, findings);
    backplane::check(scenario, findings);
    balancer::check(scenario, findings);
    names::check(scenario, findings);
    publish::check(scenario, findings);
    readings::check(scenario, findings);
    consumers::check(scenario, findings);
    windows::check(scenario, findings);
    timeline::check(scenario, findings);
    broker::check(scenario, findings);
    gates::check(scenario, findings);
}
