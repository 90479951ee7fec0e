//! Processors and the control group's quota: heartbeats that can be sent and
//! answered in time. Times differ from machine to machine more than bytes do,
//! so this one never forbids a plan.

use highwater_scenarios::format;

use super::{Constraint, Judgement, Most, Remedy, in_digits};
use crate::doctor::{
    costs::{HEARTBEAT_S, OPENS_PER_PROCESSOR_S},
    host_role::Demand,
    limits::{self, Limits},
    plan_load::Load,
};

pub(super) struct Processors;

impl Constraint for Processors {
    fn name(&self) -> &'static str {
        "processors"
    }

    fn most(&self, limits: &Limits, demand: &Demand) -> Most {
        let Some(heartbeat_ns) = demand.heartbeat_ns else {
            return Most::Any;
        };
        let Some(thousandths) = limits.processors.thousandths() else {
            return Most::Unknown;
        };
        let busy_ns = thousandths.saturating_mul(1_000_000 * HEARTBEAT_S);
        Most::Sockets(in_digits(busy_ns / heartbeat_ns, 2))
    }

    fn words(&self, limits: &Limits) -> String {
        match limits.processors.thousandths() {
            Some(thousandths) => in_words(thousandths),
            None => self.name().to_owned(),
        }
    }

    fn remedy(&self, limits: &Limits, _demand: &Demand, _wanted: u64) -> Remedy {
        more(&limits.processors)
    }

    fn judge(&self, limits: &Limits, load: &Load) -> Judgement {
        let Some(thousandths) = limits.processors.thousandths() else {
            return Judgement::Unknown;
        };
        let have = thousandths as f64 / 1e3;
        let remedy = more(&limits.processors);
        if load.heartbeats > have {
            let what = format!(
                "heartbeats alone take about {:.1} processors, and there are {}",
                load.heartbeats,
                in_words(thousandths)
            );
            return Judgement::Doubtful(what, remedy);
        }
        if load.opens_per_s > have * OPENS_PER_PROCESSOR_S as f64 {
            let what = format!(
                "it opens {} sockets, more than {} may keep up with",
                format::per_second(load.opens_per_s),
                in_words(thousandths)
            );
            return Judgement::Doubtful(what, remedy);
        }
        Judgement::Fits
    }
}

fn in_words(thousandths: u64) -> String {
    match thousandths {
        1_000 => "1 processor".to_owned(),
        whole if whole.is_multiple_of(1_000) => {
            format!("{} processors", format::count(whole / 1_000))
        }
        part => format!("{:.1} processors", part as f64 / 1e3),
    }
}

fn more(processors: &limits::Processors) -> Remedy {
    let elsewhere =
        "add workers on other machines (highwater coordinator), or lengthen the heartbeat";
    let online = processors.online.unwrap_or(u64::MAX).saturating_mul(1_000);
    match processors.quota_thousandths.known() {
        Some(quota) if quota < online => {
            Remedy::new(format!("Raise the control group's quota, or {elsewhere}:"))
                .with_at("CPUQuota=", "systemd unit")
        }
        _ => Remedy::new(format!("No setting adds processors: {elsewhere}.")),
    }
}
