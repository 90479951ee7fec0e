//! CPU cores and the control group's quota: the heartbeats that can be sent and answered.

use highwater_types::format;

use super::{CheckResult, Constraint, Fix, round_down_to_digits};
use crate::doctor::{
    costs::{DEFAULT_HEARTBEAT_S, OPENS_PER_CPU_S},
    host_role::SocketDemand,
    limits::{CpuLimits, HostLimits, Limit},
    numbers::unknown_text,
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

    fn ceiling(&self, limits: &HostLimits, demand: &SocketDemand) -> Limit {
        let Some(heartbeat_ns) = demand.heartbeat_ns else {
            return Limit::Unlimited;
        };
        Limit::from(limits.cpus.millicores()).map(|millicores| {
            // A millicore is 1,000,000 ns of CPU time in a second.
            // All of the time between two heartbeats of a socket may be spent on heartbeats.
            let busy_ns = millicores.saturating_mul(1_000_000 * DEFAULT_HEARTBEAT_S);
            round_down_to_digits(busy_ns / heartbeat_ns, 2)
        })
    }

    fn describe(&self, limits: &HostLimits) -> String {
        let millicores = limits.cpus.millicores();
        millicores.map_or_else(unknown_text, cores_text)
    }

    fn fix(&self, limits: &HostLimits, _demand: &SocketDemand, _wanted: u64) -> Fix {
        raise(&limits.cpus)
    }

    fn check(&self, limits: &HostLimits, load: &PlanLoad) -> CheckResult {
        let Some(millicores) = limits.cpus.millicores() else {
            return CheckResult::Unknown;
        };
        let cores = millicores as f64 / 1e3;
        let available = cores_text(millicores);
        let message = if load.heartbeat_cpus > cores {
            format!(
                "heartbeats alone take about {:.1} CPU cores, and there are {available}",
                load.heartbeat_cpus
            )
        } else if load.opens_per_s > cores * OPENS_PER_CPU_S as f64 {
            format!(
                "it opens {} sockets, more than {available} may keep up with",
                format::per_second(load.opens_per_s)
            )
        } else {
            return CheckResult::Pass;
        };
        CheckResult::Warn(message, raise(&limits.cpus))
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
    let alternatives =
        "add workers on other machines (highwater coordinator), or lengthen the heartbeat";
    let online = cpus.online.unwrap_or(u64::MAX).saturating_mul(1_000);
    match cpus.quota_millicores.value() {
        Some(quota) if quota < online => Fix::new(format!(
            "Raise the control group's quota, or {alternatives}:"
        ))
        .with_setting("CPUQuota=", "systemd unit"),
        _ => Fix::new(format!("No setting adds CPU cores: {alternatives}.")),
    }
}
