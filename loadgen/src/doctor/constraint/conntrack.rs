//! `nf_conntrack_max`: the connections in the firewall's table.

use highwater_types::format::count;

use super::{CheckResult, Constraint, Fix, round_up};
use crate::doctor::{
    host_role::SocketDemand,
    limits::{ConntrackTable, HostLimits, Limit},
    numbers::limit_text,
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

    fn ceiling(&self, limits: &HostLimits, demand: &SocketDemand) -> Limit {
        let left = limits.conntrack.remaining();
        left.map(|left| left / demand.conntrack_entries)
    }

    fn describe(&self, limits: &HostLimits) -> String {
        format!("{} tracked", limit_text(limits.conntrack.max))
    }

    fn fix(&self, limits: &HostLimits, demand: &SocketDemand, wanted: u64) -> Fix {
        let more = wanted.saturating_mul(demand.conntrack_entries);
        raise(&limits.conntrack, more)
    }

    fn check(&self, limits: &HostLimits, load: &PlanLoad) -> CheckResult {
        match limits.conntrack.remaining() {
            Limit::Unknown => CheckResult::Unknown,
            Limit::AtMost(left) if load.tracked_connections > left => {
                let message = format!(
                    "the firewall would track {} more connections, and its table has room for {}",
                    count(load.tracked_connections),
                    count(left)
                );
                let fix = raise(&limits.conntrack, load.tracked_connections);
                CheckResult::Fail(message, fix)
            }
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
