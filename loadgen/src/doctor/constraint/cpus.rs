//! CPU cores and the control group's quota: the heartbeats that can be sent and answered.

use highwater_types::format;

use super::{Ceiling, CheckResult, Constraint, Fix, round_down_to_digits};
use crate::doctor::{
    costs::{DEFAULT_HEARTBEAT_S, OPENS_PER_CPU_S},
    host_role::SocketDemand,
    limits::{CpuLimits, HostLimits},
    plan_load::PlanLoad,
};

/// CPU time. It never fails a plan, because times differ between machines more than bytes
/// do.
pub(super) struct CpuConstraint;

impl Constraint for CpuConstraint {
    fn name(&self) -> &'static str {
        "CPU cores"
    }

    fn short_name(&self) -> &'static str {
        "CPU"
    }

    fn ceiling(&self, limits: &HostLimits, demand: &SocketDemand) -> Ceiling {
        let Some(heartbeat_ns) = demand.heartbeat_ns else {
            return Ceiling::Unlimited;
        };
        let Some(millicores) = limits.cpus.millicores() else {
            return Ceiling::Unknown;
        };
        // A millicore is 1,000,000 ns of CPU time in a second.
        // All of the time between two heartbeats of a socket may be spent on heartbeats.
        let busy_ns = millicores.saturating_mul(1_000_000 * DEFAULT_HEARTBEAT_S);
        Ceiling::Sockets(round_down_to_digits(busy_ns / heartbeat_ns, 2))
    }

    fn describe(&self, limits: &HostLimits) -> String {
        match limits.cpus.millicores() {
            Some(millicores) => cores_text(millicores),
            None => self.name().to_owned(),
        }
    }

    fn fix(&self, limits: &HostLimits, _demand: &SocketDemand, _wanted: u64) -> Fix {
        raise(&limits.cpus)
    }

    fn check(&self, limits: &HostLimits, load: &PlanLoad) -> CheckResult {
        let Some(millicores) = limits.cpus.millicores() else {
            return CheckResult::Unknown;
        };
        let cores = millicores as f64 / 1e3;
        let fix = raise(&limits.cpus);
        if load.heartbeat_cpus > cores {
            let message = format!(
                "heartbeats alone take about {:.1} CPU cores, and there are {}",
                load.heartbeat_cpus,
                cores_text(millicores)
            );
            return CheckResult::Warn(message, fix);
        }
        if load.opens_per_s > cores * OPENS_PER_CPU_S as f64 {
            let message = format!(
                "it opens {} sockets, more than {} may keep up with",
                format::per_second(load.opens_per_s),
                cores_text(millicores)
            );
            return CheckResult::Warn(message, fix);
        }
        CheckResult::Pass
    }
}

fn cores_text(millicores: u64) -> String {
    match millicores {
        1_000 => "1 CPU core".to_owned(),
        whole if whole.is_multiple_of(1_000) => {
            format!("{} CPU cores", format::count(whole / 1_000))
        }
        part => format!("{:.1} CPU cores", part as f64 / 1e3),
    }
}

fn raise(cpus: &CpuLimits) -> Fix {
    let elsewhere =
        "add workers on other machines (highwater coordinator), or lengthen the heartbeat";
    let online = cpus.online.unwrap_or(u64::MAX).saturating_mul(1_000);
    match cpus.quota_millicores.value() {
        Some(quota) if quota < online => {
            Fix::new(format!("Raise the control group's quota, or {elsewhere}:"))
                .with_setting("CPUQuota=", "systemd unit")
        }
        _ => Fix::new(format!("No setting adds CPU cores: {elsewhere}.")),
    }
}
