//! `kernel.pid_max`, `kernel.threads-max`, `RLIMIT_NPROC`, `pids.max`: threads
//! that may exist at once, and so processes to put sockets into.

use highwater_scenarios::{format, room};

use super::{Constraint, Judgement, Most, Remedy, rounded_up};
use crate::doctor::{
    costs::THREADS_BESIDE,
    host_role::{Demand, Spread},
    limits::{Limits, Processes},
    plan_load::Load,
};

pub(super) struct Threads;

impl Constraint for Threads {
    fn name(&self) -> &'static str {
        "threads"
    }

    fn most(&self, limits: &Limits, demand: &Demand) -> Most {
        if demand.processes == Spread::One {
            return Most::Any;
        }
        let (Some(threads), Some(each), Some(files)) = (
            limits.processes.threads(),
            threads_of_one(limits),
            limits.files.per_process(),
        ) else {
            return Most::Unknown;
        };
        let groups = threads / each.saturating_mul(demand.process_count);
        Most::Sockets(groups.saturating_mul(room(files) / demand.files))
    }

    fn words(&self, limits: &Limits) -> String {
        match limits.processes.threads() {
            Some(threads) => format!("{} threads", format::count(threads)),
            None => self.name().to_owned(),
        }
    }

    fn remedy(&self, limits: &Limits, demand: &Demand, wanted: u64) -> Remedy {
        let in_one = limits.files.per_process().map_or(1, room) / demand.files;
        let groups = wanted.div_ceil(in_one.max(1));
        let each = threads_of_one(limits).unwrap_or(THREADS_BESIDE);
        let threads = groups
            .saturating_mul(each)
            .saturating_mul(demand.process_count);
        raise(&limits.processes, threads)
    }

    fn judge(&self, limits: &Limits, load: &Load) -> Judgement {
        let (Some(threads), Some(each)) = (limits.processes.threads(), threads_of_one(limits))
        else {
            return Judgement::Unknown;
        };
        let takes = load.processes.saturating_mul(each);
        if takes <= threads {
            return Judgement::Fits;
        }
        let what = format!(
            "it takes {} processes with about {} threads, and {} may exist",
            format::count(load.processes),
            format::count(takes),
            format::count(threads)
        );
        Judgement::TooMuch(what, raise(&limits.processes, takes))
    }
}

/// One for each processor, and a few.
///
/// It grows with the processors, and the sockets that threads allow shrink
/// with it. That is how it is: a process on a large machine has more threads.
fn threads_of_one(limits: &Limits) -> Option<u64> {
    limits
        .processors
        .online
        .map(|online| online.saturating_add(THREADS_BESIDE))
}

/// Names those limits that are too low.
fn raise(limit: &Processes, threads: u64) -> Remedy {
    let threads = rounded_up(threads.saturating_mul(2));
    let low = |limit: Option<u64>| limit.is_some_and(|limit| limit < threads);
    let mut remedy = Remedy::new("Allow more threads, or more open files to each process:");
    if low(limit.pid_max) {
        remedy = remedy.with(format!("sysctl -w kernel.pid_max={threads}"));
    }
    if low(limit.threads_max) {
        remedy = remedy.with(format!("sysctl -w kernel.threads-max={threads}"));
    }
    if low(limit.user_max.known()) {
        remedy = remedy.with_at(format!("ulimit -u {threads}"), "root's shell");
    }
    if low(limit.group_max.known()) {
        remedy = remedy.with_at(format!("TasksMax={threads}"), "systemd unit");
    }
    remedy
}
