//! Memory of the machine or of the control group.

use highwater_scenarios::usable_files;
use highwater_types::format::{bytes, count};

use super::{CheckResult, Constraint, Fix, round_down_to_digits};
use crate::doctor::{
    host_role::{ProcessSpread, SocketDemand},
    limits::{HostLimits, Limit, MemoryLimits},
    numbers::unknown_text,
    plan_load::PlanLoad,
};

/// The tenths of the available memory that sockets may take. The rest is for the page cache,
/// for bursts, and for other programs.
const USABLE_TENTHS: u64 = 9;

/// Available memory.
pub(super) struct MemoryConstraint;

impl Constraint for MemoryConstraint {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn ceiling(&self, limits: &HostLimits, demand: &SocketDemand) -> Limit {
        let per_process = match (demand.process_spread, limits.files.per_process()) {
            (ProcessSpread::Many, Some(files)) => usable_files(files) / demand.files,
            // With one process, or an unknown number of them, only the first one counts.
            (ProcessSpread::Many, None) | (ProcessSpread::Single, _) => u64::MAX,
        };
        Limit::from(limits.memory.remaining()).map(|left| {
            let usable = left / 10 * USABLE_TENTHS;
            let sockets = sockets_that_fit(usable, demand, per_process.max(1));
            round_down_to_digits(sockets, 3)
        })
    }

    fn describe(&self, limits: &HostLimits) -> String {
        let left = limits.memory.remaining();
        let left = left.map_or_else(unknown_text, bytes);
        format!("{left} of memory left")
    }

    fn fix(&self, limits: &HostLimits, demand: &SocketDemand, wanted: u64) -> Fix {
        let needed = wanted.saturating_mul(demand.bytes) / USABLE_TENTHS * 10;
        let mut fix = raise(&limits.memory, needed.saturating_add(demand.process_bytes));
        // Only a control group has settings; a machine cannot be given more memory.
        if !fix.settings.is_empty() {
            let sockets = count(wanted);
            fix.action = format!("Raise the limit of the control group; for {sockets} sockets:");
        }
        fix
    }

    fn check(&self, limits: &HostLimits, load: &PlanLoad) -> CheckResult {
        let Some(left) = limits.memory.remaining() else {
            return CheckResult::Unknown;
        };
        let needed = load.memory.total_bytes();
        let message = format!(
            "it takes about {} of memory, and {} are left",
            bytes(needed),
            bytes(left)
        );
        let fix = raise(&limits.memory, (needed / USABLE_TENTHS).saturating_mul(10));
        match needed {
            needed if needed > left => CheckResult::Fail(message, fix),
            needed if needed > left / 10 * USABLE_TENTHS => CheckResult::Warn(message, fix),
            _ => CheckResult::Pass,
        }
    }
}

/// Returns the most sockets that fit into `usable` bytes. A process takes its own memory before its
/// first socket, and holds at most `per_process` sockets.
fn sockets_that_fit(usable: u64, demand: &SocketDemand, per_process: u64) -> u64 {
    let sockets = per_process.saturating_mul(demand.bytes);
    let full = sockets.saturating_add(demand.process_bytes);
    let processes = usable / full;
    let rest = (usable % full).saturating_sub(demand.process_bytes);
    processes
        .saturating_mul(per_process)
        .saturating_add(rest / demand.bytes)
}

/// Returns the change that leaves `needed` bytes beside the memory in use.
fn raise(memory: &MemoryLimits, needed: u64) -> Fix {
    let mib = needed.div_ceil(1 << 20);
    if !memory.is_cgroup_bound() {
        let available = bytes(mib << 20);
        return Fix::new(format!(
            "Free some, or take a machine with {available} available."
        ));
    }
    // The limit of a group counts the memory in use as well.
    let used = match (memory.cgroup_max.value(), memory.cgroup_available.value()) {
        (Some(max), Some(available)) => max.saturating_sub(available).div_ceil(1 << 20),
        _ => 0,
    };
    let mib = mib + used;
    Fix::new("Raise the limit of the control group:")
        .with_setting(format!("MemoryMax={mib}M"), "systemd unit")
        .with_setting(format!("--memory {mib}m"), "docker run")
}
