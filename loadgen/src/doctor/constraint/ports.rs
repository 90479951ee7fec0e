//! `net.ipv4.ip_local_port_range`: the connections from one source address to one destination
//! address and port.

use highwater_types::format::count;

use super::{CheckResult, Constraint, Fix};
use crate::doctor::{
    host_role::SocketDemand,
    limits::{HostLimits, Limit, PortRange},
    numbers::number_text,
    plan_load::PlanLoad,
};

/// The width from which on a range cannot usefully be widened; 65,535 ports is the end.
const WIDE_RANGE_PORTS: u64 = 60_000;

/// Ephemeral ports. They are no limit towards 127.0.0.0/8 without `--bind`, because the harness
/// connects from many source addresses there.
pub(super) struct PortsConstraint;

impl Constraint for PortsConstraint {
    fn name(&self) -> &'static str {
        "ephemeral ports"
    }

    fn short_name(&self) -> &'static str {
        "ports"
    }

    fn ceiling(&self, limits: &HostLimits, demand: &SocketDemand) -> Limit {
        match demand.one_destination {
            true => limits.port_range.map(|ports| ports.count()).into(),
            false => Limit::Unlimited,
        }
    }

    fn describe(&self, limits: &HostLimits) -> String {
        let ports = limits.port_range.map(|ports| ports.count());
        format!("{} ports a target", number_text(ports))
    }

    fn fix(&self, limits: &HostLimits, _demand: &SocketDemand, _wanted: u64) -> Fix {
        widen(limits.port_range)
    }

    fn check(&self, limits: &HostLimits, load: &PlanLoad) -> CheckResult {
        let busiest = load.busiest_destination.as_ref();
        // A scenario without commands, over loopback: no single source address is busy.
        let Some(busiest) = busiest.filter(|busiest| busiest.connections > 0) else {
            return CheckResult::Pass;
        };
        let Some(ports) = limits.port_range else {
            return CheckResult::Unknown;
        };
        let connections = busiest.connections;
        let from = match busiest.sources {
            1 => String::new(),
            sources => format!(" from each of {} addresses", count(sources)),
        };
        let demand = format!(
            "{} connections to {}{from}",
            count(connections),
            busiest.address
        );
        if connections > ports.count() {
            let message = format!(
                "{demand}, and one source address reaches one address and port {} times",
                count(ports.count())
            );
            return CheckResult::Fail(message, widen(limits.port_range));
        }
        // Workers propose the ports of their sockets themselves.
        if busiest.has_kernel_ports && connections > ports.knee() {
            let message = format!(
                "{demand}: past {} the kernel searches long for each free port, and connects get slow",
                count(ports.knee())
            );
            return CheckResult::Warn(message, widen(limits.port_range));
        }
        CheckResult::Pass
    }
}

fn widen(ports: Option<PortRange>) -> Fix {
    let alternatives = "give more addresses of this machine (highwater run --bind), or add \
                        workers on other machines (highwater coordinator), or addresses of the \
                        target";
    // Ports below 1024 belong to services, so 64,512 is the widest range.
    match ports {
        Some(ports) if ports.count() >= WIDE_RANGE_PORTS => {
            Fix::new(format!("The range is wide already: {alternatives}."))
        }
        _ => Fix::new(format!(
            "Widen the range to 64,512 ports, or {alternatives}:"
        ))
        .with_command("sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\""),
    }
}
