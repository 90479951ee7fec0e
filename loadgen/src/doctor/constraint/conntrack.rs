//! `nf_conntrack_max`: the connections in the firewall's table.

use highwater_types::format;

use super::{Ceiling, CheckResult, Constraint, Fix, round_up};
use crate::doctor::{
    host_role::SocketDemand,
    limits::{ConntrackTable, HostLimits, Limit},
    plan_load::PlanLoad,
};

/// The firewall's table. The kernel drops the packets of a connection that does not fit.
pub(super) struct ConntrackConstraint;

impl Constraint for ConntrackConstraint {
    fn name(&self) -> &'static str {
        "tracked connections"
    }

    fn short_name(&self) -> &'static str {
        "tracked"
    }

    fn ceiling(&self, limits: &HostLimits, demand: &SocketDemand) -> Ceiling {
        match limits.conntrack.remaining() {
            Limit::Unknown => Ceiling::Unknown,
            Limit::Unlimited => Ceiling::Unlimited,
            Limit::AtMost(left) => Ceiling::Sockets(left / demand.conntrack_entries),
        }
    }

    fn describe(&self, limits: &HostLimits) -> String {
        match limits.conntrack.max {
            Limit::AtMost(max) => format!("{} tracked", format::count(max)),
            Limit::Unlimited | Limit::Unknown => self.name().to_owned(),
        }
    }

    fn fix(&self, limits: &HostLimits, demand: &SocketDemand, wanted: u64) -> Fix {
        raise(
            &limits.conntrack,
            wanted.saturating_mul(demand.conntrack_entries),
        )
    }

    fn check(&self, limits: &HostLimits, load: &PlanLoad) -> CheckResult {
        match limits.conntrack.remaining() {
            Limit::Unknown => CheckResult::Unknown,
            Limit::AtMost(left) if load.tracked_connections > left => CheckResult::Fail(
                format!(
                    "the firewall would track {} more connections, and its table has room for {}",
                    format::count(load.tracked_connections),
                    format::count(left)
                ),
                raise(&limits.conntrack, load.tracked_connections),
            ),
            Limit::Unlimited | Limit::AtMost(_) => CheckResult::Pass,
        }
    }
}

fn raise(table: &ConntrackTable, more: u64) -> Fix {
    // The setting counts all entries, those of other programs included.
    let entries = more.saturating_add(table.entries.unwrap_or(0));
    Fix::new("Enlarge the firewall's table, or exempt the load's ports from tracking (notrack):")
        .with_command(format!(
            "sysctl -w net.netfilter.nf_conntrack_max={}",
            round_up(entries)
        ))
}
