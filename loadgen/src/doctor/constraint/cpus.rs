//! Processors and the control group's quota: heartbeats that can be sent and
//! answered in time. Times differ from machine to machine more than bytes do,
//! so this one never forbids a plan.

use highwater_types::format;

use super::{Ceiling, CheckResult, Constraint, Fix, round_down_to_digits};
use crate::doctor::{
    costs::{DEFAULT_HEARTBEAT_S, OPENS_PER_CPU_S},
    host_role::SocketDemand,
    limits::{self, HostLimits},
    plan_load::PlanLoad,
};

pub(super) struct CpuConstraint;

impl Constraint for CpuConstraint {
    fn name(&self) -> &'static str {
        "processors"
    }

    fn ceiling(&self, limits: &HostLimits, demand: &SocketDemand) -> Ceiling {
        let Some(heartbeat_ns) = demand.heartbeat_ns else {
            return Ceiling::Unlimited;
        };
        let Some(thousandths) = limits.cpus.millicores() else {
            return Ceiling::Unknown;
        };
        let busy_ns = thousandths.saturating_mul(1_000_000 * DEFAULT_HEARTBEAT_S);
        Ceiling::Sockets(round_down_to_digits(busy_ns / heartbeat_ns, 2))
    }

    fn describe(&self, limits: &HostLimits) -> String {
        match limits.cpus.millicores() {
            Some(thousandths) => cpus_text(thousandths),
            None => self.name().to_owned(),
        }
    }

    fn fix(&self, limits: &HostLimits, _demand: &SocketDemand, _wanted: u64) -> Fix {
        fix_cpus(&limits.cpus)
    }

    fn check(&self, limits: &HostLimits, load: &PlanLoad) -> CheckResult {
        let Some(thousandths) = limits.cpus.millicores() else {
            return CheckResult::Unknown;
        };
        let have = thousandths as f64 / 1e3;
        let remedy = fix_cpus(&limits.cpus);
        if load.heartbeat_cpus > have {
            let what = format!(
                "heartbeats alone take about {:.1} processors, and there are {}",
                load.heartbeat_cpus,
                cpus_text(thousandths)
            );
            return CheckResult::Warn(what, remedy);
        }
        if load.opens_per_s > have * OPENS_PER_CPU_S as f64 {
            let what = format!(
                "it opens {} sockets, more than {} may keep up with",
                format::per_second(load.opens_per_s),
                cpus_text(thousandths)
            );
            return CheckResult::Warn(what, remedy);
        }
        CheckResult::Pass
    }
}

fn cpus_text(thousandths: u64) -> String {
    match thousandths {
        1_000 => "1 processor".to_owned(),
        whole if whole.is_multiple_of(1_000) => {
            format!("{} processors", format::count(whole / 1_000))
        }
        part => format!("{:.1} processors", part as f64 / 1e3),
    }
}

fn fix_cpus(processors: &limits::CpuLimits) -> Fix {
    let elsewhere =
        "add workers on other machines (highwater coordinator), or lengthen the heartbeat";
    let online = processors.online.unwrap_or(u64::MAX).saturating_mul(1_000);
    match processors.quota_millicores.value() {
        Some(quota) if quota < online => {
            Fix::new(format!("Raise the control group's quota, or {elsewhere}:"))
                .with_setting("CPUQuota=", "systemd unit")
        }
        _ => Fix::new(format!("No setting adds processors: {elsewhere}.")),
    }
}
