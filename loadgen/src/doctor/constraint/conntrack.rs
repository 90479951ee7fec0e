//! `nf_conntrack_max`: connections that the firewall's table holds. A packet
//! of one that does not fit is dropped.

use highwater_types::format;

use super::{Ceiling, CheckResult, Constraint, Fix, round_up};
use crate::doctor::{
    host_role::SocketDemand,
    limits::{self, HostLimits, Limit},
    plan_load::PlanLoad,
};

pub(super) struct ConntrackConstraint;

impl Constraint for ConntrackConstraint {
    fn name(&self) -> &'static str {
        "tracked connections"
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

fn raise(table: &limits::ConntrackTable, more: u64) -> Fix {
    let entries = more.saturating_add(table.entries.unwrap_or(0));
    Fix::new("Enlarge the firewall's table, or exempt the load's ports from tracking (notrack):")
        .with_command(format!(
            "sysctl -w net.netfilter.nf_conntrack_max={}",
            round_up(entries)
        ))
}
