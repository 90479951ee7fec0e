//! `RLIMIT_NOFILE` and `fs.nr_open`: the open files of one process.

use highwater_scenarios::{BalancerShare, RESERVED_FILES, plan::MAX_BALANCERS, usable_files};
use highwater_types::format;

use super::{Ceiling, CheckResult, Constraint, Fix};
use crate::doctor::{
    host_role::{ProcessSpread, SocketDemand},
    limits::{FileLimits, HostLimits},
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

    fn ceiling(&self, limits: &HostLimits, demand: &SocketDemand) -> Ceiling {
        match (demand.process_spread, limits.files.per_process()) {
            // A further process may open as many files again.
            (ProcessSpread::Many, _) => Ceiling::Unlimited,
            (ProcessSpread::Single, Some(files)) => {
                Ceiling::Sockets(usable_files(files) / demand.files)
            }
            (ProcessSpread::Single, None) => Ceiling::Unknown,
        }
    }

    fn describe(&self, limits: &HostLimits) -> String {
        match limits.files.per_process() {
            Some(files) => format!("{} files a process", format::count(files)),
            None => self.name().to_owned(),
        }
    }

    fn fix(&self, limits: &HostLimits, demand: &SocketDemand, wanted: u64) -> Fix {
        let files = wanted
            .saturating_mul(demand.files)
            .saturating_add(RESERVED_FILES);
        raise(&limits.files, files)
    }

    fn check(&self, limits: &HostLimits, load: &PlanLoad) -> CheckResult {
        let Some(files) = limits.files.per_process() else {
            return CheckResult::Unknown;
        };
        match load.workers_needed {
            // Too few workers first: the person asked for that number, and can change it.
            Some(needed) if needed > load.workers => {
                check_workers(&limits.files, files, needed, load)
            }
            _ => {
                let limit = &limits.files;
                let nodes = load.nodes.map(|nodes| check_nodes(limit, files, nodes));
                let balancers = load
                    .balancers
                    .map(|share| check_balancers(limit, files, share));
                worse_result(
                    nodes.unwrap_or(CheckResult::Pass),
                    balancers.unwrap_or(CheckResult::Pass),
                )
            }
        }
    }
}

fn check_workers(limit: &FileLimits, files: u64, needed: u32, load: &PlanLoad) -> CheckResult {
    let message = format!(
        "a worker's share takes {} open files and {} in reserve, and a process may open {}",
        format::count(load.worker_files),
        format::count(RESERVED_FILES),
        format::count(files),
    );
    let mut fix = raise(limit, load.worker_files + RESERVED_FILES);
    fix.action = format!(
        "Leave out --workers, or ask for {}; or raise the limit of each:",
        format::plural(needed.into(), "worker"),
    );
    CheckResult::Fail(message, fix)
}

fn check_nodes(limit: &FileLimits, files: u64, nodes: PlanNodeLoad) -> CheckResult {
    let sockets = nodes.sockets_per_node * nodes.max_nodes;
    // Some files stay in reserve for logs, the broker and HTTP clients.
    let enough = sockets.div_ceil(usable_files(files));
    let mut fix = raise(
        limit,
        nodes.sockets_per_node.max(nodes.peak_connections_per_node) + RESERVED_FILES,
    );
    fix.action = format!(
        "Take {} (--set cluster.nodes={enough}), or raise the limit of each:",
        format::plural(enough, "node"),
    );
    if nodes.sockets_per_node > files {
        let holder = match nodes.max_nodes {
            1 => "the node".to_owned(),
            most => format!("each of {} nodes", format::count(most)),
        };
        let message = format!(
            "{holder} would hold {}, and a process may open {} files",
            format::plural(nodes.sockets_per_node, "socket"),
            format::count(files),
        );
        return CheckResult::Fail(message, fix);
    }
    // A node that is killed leaves its sockets to the others for a time, so this is a
    // warning: the scenario may be about just that.
    if nodes.peak_connections_per_node > usable_files(files) {
        let message = format!(
            "with {} up, each would need {} files for sockets and commands, and may open {}",
            format::plural(nodes.min_nodes.max(1), "node"),
            format::count(nodes.peak_connections_per_node),
            format::count(files),
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
    let enough = forwarded.div_ceil(usable_files(files));
    let message = format!(
        "{} would forward {}, with two files for each, and a process may open {}",
        match share.balancers {
            1 => "the balancer".to_owned(),
            balancers => format!("each of {} balancers", format::count(balancers)),
        },
        format::plural(share.sockets + share.connections, "connection"),
        format::count(files),
    );
    let mut fix = raise(limit, share.open_files() + RESERVED_FILES);
    // A scenario rejects more balancers than `MAX_BALANCERS`.
    fix.action = match enough {
        0..=MAX_BALANCERS => format!(
            "Take {} (--set cluster.balancers={enough}), or raise the limit of each:",
            format::plural(enough, "balancer"),
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
    if limit.nr_open.is_some_and(|most| hard > most) {
        fix = fix.with_command(format!("sysctl -w fs.nr_open={hard}"));
    }
    fix.with_setting(format!("ulimit -n {hard}"), "root's shell")
        .with_setting(format!("LimitNOFILE={hard}"), "systemd unit")
        .with_setting(format!("--ulimit nofile={hard}:{hard}"), "docker run")
}
