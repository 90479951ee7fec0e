//! `kernel.pid_max`, `kernel.threads-max`, `RLIMIT_NPROC`, `pids.max`: the threads that may
//! exist at once, and so the processes that hold sockets.

use highwater_scenarios::usable_files;
use highwater_types::format::count;

use super::{CheckResult, Constraint, Fix, round_up};
use crate::doctor::{
    costs::EXTRA_THREADS,
    host_role::{ProcessSpread, SocketDemand},
    limits::{HostLimits, Limit, ThreadLimits},
    numbers::number_text,
    plan_load::PlanLoad,
};

/// Threads that may exist at once.
pub(super) struct ThreadsConstraint;

impl Constraint for ThreadsConstraint {
    fn name(&self) -> &'static str {
        "threads"
    }

    fn ceiling(&self, limits: &HostLimits, demand: &SocketDemand) -> Limit {
        if demand.process_spread == ProcessSpread::Single {
            return Limit::Unlimited;
        }
        let (Some(threads), Some(each), Some(files)) = (
            limits.threads.max_threads(),
            threads_per_process(limits),
            limits.files.per_process(),
        ) else {
            return Limit::Unknown;
        };
        // A group is one process, or a worker and a node that share their sockets.
        let groups = threads / each.saturating_mul(demand.process_count);
        Limit::AtMost(groups.saturating_mul(usable_files(files) / demand.files))
    }

    fn describe(&self, limits: &HostLimits) -> String {
        format!("{} threads", number_text(limits.threads.max_threads()))
    }

    fn fix(&self, limits: &HostLimits, demand: &SocketDemand, wanted: u64) -> Fix {
        let per_process = limits.files.per_process().map_or(1, usable_files) / demand.files;
        let groups = wanted.div_ceil(per_process.max(1));
        let threads = threads_per_process(limits).unwrap_or(EXTRA_THREADS);
        let processes = groups.saturating_mul(demand.process_count);
        raise(&limits.threads, processes.saturating_mul(threads))
    }

    fn check(&self, limits: &HostLimits, load: &PlanLoad) -> CheckResult {
        let (Some(threads), Some(each)) =
            (limits.threads.max_threads(), threads_per_process(limits))
        else {
            return CheckResult::Unknown;
        };
        let needed = load.processes.saturating_mul(each);
        if needed <= threads {
            return CheckResult::Pass;
        }
        let message = format!(
            "it takes {} processes with about {} threads, and {} may exist",
            count(load.processes),
            count(needed),
            count(threads)
        );
        CheckResult::Fail(message, raise(&limits.threads, needed))
    }
}

/// Returns one thread for each CPU core, and a few more. A machine with more cores therefore
/// has room for fewer processes.
fn threads_per_process(limits: &HostLimits) -> Option<u64> {
    let online = limits.cpus.online?;
    Some(online.saturating_add(EXTRA_THREADS))
}

/// Returns settings for those limits that are too low.
fn raise(limit: &ThreadLimits, threads: u64) -> Fix {
    // Twice the need: other programs of the machine have threads, too.
    let threads = round_up(threads.saturating_mul(2));
    let is_low = |limit: Option<u64>| limit.is_some_and(|limit| limit < threads);
    let mut fix = Fix::new("Allow more threads, or more open files to each process:");
    if is_low(limit.pid_max) {
        fix = fix.with_command(format!("sysctl -w kernel.pid_max={threads}"));
    }
    if is_low(limit.threads_max) {
        fix = fix.with_command(format!("sysctl -w kernel.threads-max={threads}"));
    }
    if is_low(limit.user_max.value()) {
        fix = fix.with_setting(format!("ulimit -u {threads}"), "root's shell");
    }
    if is_low(limit.cgroup_max.value()) {
        fix = fix.with_setting(format!("TasksMax={threads}"), "systemd unit");
    }
    fix
}
