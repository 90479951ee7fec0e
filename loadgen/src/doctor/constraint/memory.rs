//! Memory, of the machine or of the control group.

use highwater_scenarios::usable_files;
use highwater_types::format;

use super::{Ceiling, CheckResult, Constraint, Fix, round_down_to_digits};
use crate::doctor::{
    host_role::{ProcessSpread, SocketDemand},
    limits::{self, HostLimits},
    plan_load::PlanLoad,
};

/// Of what is available, this many tenths are meant for sockets: something is
/// left for the page cache, for bursts, and for everybody else.
const USABLE_TENTHS: u64 = 9;

pub(super) struct MemoryConstraint;

impl Constraint for MemoryConstraint {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn ceiling(&self, limits: &HostLimits, demand: &SocketDemand) -> Ceiling {
        let Some(left) = limits.memory.remaining() else {
            return Ceiling::Unknown;
        };
        let in_one = match (demand.process_spread, limits.files.per_process()) {
            (ProcessSpread::Many, Some(files)) => usable_files(files) / demand.files,
            // One process, or nobody knows how many.
            (ProcessSpread::Many, None) | (ProcessSpread::Single, _) => u64::MAX,
        };
        let sockets = sockets_that_fit(left / 10 * USABLE_TENTHS, demand, in_one.max(1));
        Ceiling::Sockets(round_down_to_digits(sockets, 3))
    }

    fn describe(&self, limits: &HostLimits) -> String {
        match limits.memory.remaining() {
            Some(left) => format!("{} of memory left", format::bytes(left)),
            None => self.name().to_owned(),
        }
    }

    fn fix(&self, limits: &HostLimits, demand: &SocketDemand, wanted: u64) -> Fix {
        let bytes = wanted.saturating_mul(demand.bytes) / USABLE_TENTHS * 10;
        let mut remedy = fix_memory(&limits.memory, bytes.saturating_add(demand.process_bytes));
        if !remedy.settings.is_empty() {
            let sockets = format::count(wanted);
            remedy.action = format!("Raise the limit of the control group; for {sockets} sockets:");
        }
        remedy
    }

    fn check(&self, limits: &HostLimits, load: &PlanLoad) -> CheckResult {
        let Some(left) = limits.memory.remaining() else {
            return CheckResult::Unknown;
        };
        let takes = load.memory.total_bytes();
        let what = format!(
            "it takes about {} of memory, and {} are left",
            format::bytes(takes),
            format::bytes(left)
        );
        let remedy = fix_memory(&limits.memory, (takes / USABLE_TENTHS).saturating_mul(10));
        match takes {
            takes if takes > left => CheckResult::Fail(what, remedy),
            takes if takes > left / 10 * USABLE_TENTHS => CheckResult::Warn(what, remedy),
            _ => CheckResult::Pass,
        }
    }
}

/// The largest number of sockets that `bytes` hold, when each process takes
/// its share before its first socket and has at most `in_one`.
fn sockets_that_fit(bytes: u64, demand: &SocketDemand, in_one: u64) -> u64 {
    let sockets = in_one.saturating_mul(demand.bytes);
    let full = sockets.saturating_add(demand.process_bytes);
    let processes = bytes / full;
    let rest = (bytes % full).saturating_sub(demand.process_bytes);
    processes
        .saturating_mul(in_one)
        .saturating_add(rest / demand.bytes)
}

/// `bytes` are wanted beside what is in use.
fn fix_memory(memory: &limits::MemoryLimits, bytes: u64) -> Fix {
    let mib = bytes.div_ceil(1 << 20);
    if !memory.is_cgroup_bound() {
        return Fix::new(format!(
            "Free some, or take a machine with {} available.",
            format::bytes(mib << 20)
        ));
    }
    let used = match (memory.cgroup_max.value(), memory.cgroup_available.value()) {
        (Some(max), Some(room)) => max.saturating_sub(room).div_ceil(1 << 20),
        _ => 0,
    };
    let mib = mib + used;
    Fix::new("Raise the limit of the control group:")
        .with_setting(format!("MemoryMax={mib}M"), "systemd unit")
        .with_setting(format!("--memory {mib}m"), "docker run")
}
