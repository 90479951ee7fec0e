//! `RLIMIT_NOFILE` and `fs.nr_open`: the open files of one process.

use highwater_scenarios::{BalancerShare, RESERVED_FILES, plan::MAX_BALANCERS, usable_files};
use highwater_types::format::{count, plural};

use super::{CheckResult, Constraint, Fix};
use crate::doctor::{
    host_role::{ProcessSpread, SocketDemand},
    limits::{FileLimits, HostLimits, Limit},
    numbers::number_text,
    plan_load::{PlanLoad, PlanNodeLoad},
};

/// The value of `fs.nr_open` on most systems.
const USUAL_NR_OPEN: u64 = 1_048_576;

/// Open files of one process.
pub(super) struct ProcessFilesConstraint;

impl Constraint for ProcessFilesConstraint {
    fn name(&self) -> &'static str {
        "open files a process"
    }

    fn short_name(&self) -> &'static str {
        "files"
    }

    fn ceiling(&self, limits: &HostLimits, demand: &SocketDemand) -> Limit {
        let per_process = Limit::from(limits.files.per_process());
        match demand.process_spread {
            // A further process may open as many files again.
            ProcessSpread::Many => Limit::Unlimited,
            ProcessSpread::Single => per_process.map(|files| usable_files(files) / demand.files),
        }
    }

    fn describe(&self, limits: &HostLimits) -> String {
        format!(
            "{} files a process",
            number_text(limits.files.per_process())
        )
    }

    fn fix(&self, limits: &HostLimits, demand: &SocketDemand, wanted: u64) -> Fix {
        let files = wanted.saturating_mul(demand.files);
        raise(&limits.files, files.saturating_add(RESERVED_FILES))
    }

    fn check(&self, limits: &HostLimits, load: &PlanLoad) -> CheckResult {
        let Some(files) = limits.files.per_process() else {
            return CheckResult::Unknown;
        };
        let limit = &limits.files;
        match load.workers_needed {
            // Too few workers first: the person asked for that number, and can change it.
            Some(needed) if needed > load.workers => check_workers(limit, files, needed, load),
            _ => {
                let nodes = load.nodes.map(|nodes| check_nodes(limit, files, nodes));
                let balancers = load.balancers;
                let balancers = balancers.map(|share| check_balancers(limit, files, share));
                let results = nodes.into_iter().chain(balancers);
                results.reduce(worse_result).unwrap_or(CheckResult::Pass)
            }
        }
    }
}

fn check_workers(limit: &FileLimits, files: u64, needed: u32, load: &PlanLoad) -> CheckResult {
    let message = format!(
        "a worker's share takes {} open files and {} in reserve, and a process may open {}",
        count(load.worker_files),
        count(RESERVED_FILES),
        count(files),
    );
    let mut fix = raise(limit, load.worker_files + RESERVED_FILES);
    fix.action = format!(
        "Leave out --workers, or ask for {}; or raise the limit of each:",
        plural(needed.into(), "worker"),
    );
    CheckResult::Fail(message, fix)
}

fn check_nodes(limit: &FileLimits, files: u64, nodes: PlanNodeLoad) -> CheckResult {
    let sockets = nodes.sockets_per_node * nodes.max_nodes;
    // Some files stay in reserve for logs, the broker and HTTP clients.
    let needed = sockets.div_ceil(usable_files(files));
    let peak = nodes.sockets_per_node.max(nodes.peak_connections_per_node);
    let mut fix = raise(limit, peak + RESERVED_FILES);
    fix.action = format!(
        "Take {} (--set cluster.nodes={needed}), or raise the limit of each:",
        plural(needed, "node"),
    );
    if nodes.sockets_per_node > files {
        let holder = match nodes.max_nodes {
            1 => "the node".to_owned(),
            nodes => format!("each of {} nodes", count(nodes)),
        };
        let message = format!(
            "{holder} would hold {}, and a process may open {} files",
            plural(nodes.sockets_per_node, "socket"),
            count(files),
        );
        return CheckResult::Fail(message, fix);
    }
    // A node that is killed leaves its sockets to the others for a time, so this is a
    // warning: the scenario may be about just that.
    if nodes.peak_connections_per_node > usable_files(files) {
        let message = format!(
            "with {} up, each would need {} files for sockets and commands, and may open {}",
            plural(nodes.min_nodes.max(1), "node"),
            count(nodes.peak_connections_per_node),
            count(files),
        );
        fix.action =
            "Expect rejected sockets then; more nodes, or a higher limit, avoid it:".into();
        return CheckResult::Warn(message, fix);
    }
    CheckResult::Pass
}

fn check_balancers(limit: &FileLimits, files: u64, share: BalancerShare) -> CheckResult {
    if share.open_files() <= usable_files(files) {
        return CheckResult::Pass;
    }
    let forwarded = share.balancers * share.open_files();
    let needed = forwarded.div_ceil(usable_files(files));
    let message = format!(
        "{} would forward {}, with two files for each, and a process may open {}",
        match share.balancers {
            1 => "the balancer".to_owned(),
            balancers => format!("each of {} balancers", count(balancers)),
        },
        plural(share.sockets + share.connections, "connection"),
        count(files),
    );
    let mut fix = raise(limit, share.open_files() + RESERVED_FILES);
    // A scenario rejects more balancers than `MAX_BALANCERS`.
    fix.action = match needed {
        0..=MAX_BALANCERS => format!(
            "Take {} (--set cluster.balancers={needed}), or raise the limit of each:",
            plural(needed, "balancer"),
        ),
        _ => "Raise the limit of each:".to_owned(),
    };
    CheckResult::Fail(message, fix)
}

/// Returns the worse of two results; the first if they are equally bad.
fn worse_result(first: CheckResult, second: CheckResult) -> CheckResult {
    let rank = |result: &CheckResult| match result {
        CheckResult::Pass | CheckResult::Unknown => 0,
        CheckResult::Warn(..) => 1,
        CheckResult::Fail(..) => 2,
    };
    match rank(&second) > rank(&first) {
        true => second,
        false => first,
    }
}

/// Returns the change that lets a process open `files` files, or as many as is usual.
fn raise(limit: &FileLimits, files: u64) -> Fix {
    let hard = files.max(limit.nr_open.unwrap_or(USUAL_NR_OPEN).min(USUAL_NR_OPEN));
    let mut fix =
        Fix::new("Take more processes, or raise the hard limit where highwater is started:");
    // The kernel rejects a hard limit above fs.nr_open, so that is raised first.
    if limit.nr_open.is_some_and(|nr_open| hard > nr_open) {
        fix = fix.with_command(format!("sysctl -w fs.nr_open={hard}"));
    }
    fix.with_setting(format!("ulimit -n {hard}"), "root's shell")
        .with_setting(format!("LimitNOFILE={hard}"), "systemd unit")
        .with_setting(format!("--ulimit nofile={hard}:{hard}"), "docker run")
}
