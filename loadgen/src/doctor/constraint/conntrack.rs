//! `nf_conntrack_max`: connections that the firewall's table holds. A packet
//! of one that does not fit is dropped.

use highwater_scenarios::format;

use super::{Constraint, Judgement, Most, Remedy, rounded_up};
use crate::doctor::{
    host_role::Demand,
    limits::{self, Cap, Limits},
    plan_load::Load,
};

pub(super) struct Conntrack;

impl Constraint for Conntrack {
    fn name(&self) -> &'static str {
        "tracked connections"
    }

    fn most(&self, limits: &Limits, demand: &Demand) -> Most {
        match limits.conntrack.left() {
            Cap::Unknown => Most::Unknown,
            Cap::None => Most::Any,
            Cap::At(left) => Most::Sockets(left / demand.tracked),
        }
    }

    fn words(&self, limits: &Limits) -> String {
        match limits.conntrack.max {
            Cap::At(max) => format!("{} tracked", format::count(max)),
            Cap::None | Cap::Unknown => self.name().to_owned(),
        }
    }

    fn remedy(&self, limits: &Limits, demand: &Demand, wanted: u64) -> Remedy {
        raise(&limits.conntrack, wanted.saturating_mul(demand.tracked))
    }

    fn judge(&self, limits: &Limits, load: &Load) -> Judgement {
        match limits.conntrack.left() {
            Cap::Unknown => Judgement::Unknown,
            Cap::At(left) if load.connections > left => Judgement::TooMuch(
                format!(
                    "the firewall would track {} more connections, and its table has room for {}",
                    format::count(load.connections),
                    format::count(left)
                ),
                raise(&limits.conntrack, load.connections),
            ),
            Cap::None | Cap::At(_) => Judgement::Fits,
        }
    }
}

fn raise(table: &limits::Conntrack, more: u64) -> Remedy {
    let entries = more.saturating_add(table.tracked.unwrap_or(0));
    Remedy::new("Enlarge the firewall's table, or exempt the load's ports from tracking (notrack):")
        .with(format!(
            "sysctl -w net.netfilter.nf_conntrack_max={}",
            rounded_up(entries)
        ))
}
