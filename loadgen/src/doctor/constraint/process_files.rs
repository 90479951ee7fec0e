//! `RLIMIT_NOFILE` and `fs.nr_open`: open files of one process.

use highwater_scenarios::{BalancerShare, RESERVE, format, plan::MOST_BALANCERS, room};

use super::{Constraint, Judgement, Most, Remedy};
use crate::doctor::{
    host_role::{Demand, Spread},
    limits::{Files, Limits},
    plan_load::{Load, NodeLoad},
};

/// What most systems set `fs.nr_open` to.
const USUAL: u64 = 1_048_576;

pub(super) struct FilesPerProcess;

impl Constraint for FilesPerProcess {
    fn name(&self) -> &'static str {
        "open files a process"
    }

    fn most(&self, limits: &Limits, demand: &Demand) -> Most {
        match (demand.processes, limits.files.per_process()) {
            // More processes take more files.
            (Spread::Any, _) => Most::Any,
            (Spread::One, Some(files)) => Most::Sockets(room(files) / demand.files),
            (Spread::One, None) => Most::Unknown,
        }
    }

    fn words(&self, limits: &Limits) -> String {
        match limits.files.per_process() {
            Some(files) => format!("{} files a process", format::count(files)),
            None => self.name().to_owned(),
        }
    }

    fn remedy(&self, limits: &Limits, demand: &Demand, wanted: u64) -> Remedy {
        let files = wanted.saturating_mul(demand.files).saturating_add(RESERVE);
        raise(&limits.files, files)
    }

    fn judge(&self, limits: &Limits, load: &Load) -> Judgement {
        let Some(files) = limits.files.per_process() else {
            return Judgement::Unknown;
        };
        match load.workers_needed {
            Some(needed) if needed > load.workers => workers(&limits.files, files, needed, load),
            _ => {
                let limit = &limits.files;
                let nodes = load.nodes.map(|nodes| judge_nodes(limit, files, nodes));
                let balancers = load
                    .balancers
                    .map(|share| judge_balancers(limit, files, share));
                worse(
                    nodes.unwrap_or(Judgement::Fits),
                    balancers.unwrap_or(Judgement::Fits),
                )
            }
        }
    }
}

fn workers(limit: &Files, files: u64, needed: u32, load: &Load) -> Judgement {
    let what = format!(
        "a worker's share takes {} open files and {} in reserve, and a process may open {}",
        format::count(load.worker_files),
        format::count(RESERVE),
        format::count(files),
    );
    let mut remedy = raise(limit, load.worker_files + RESERVE);
    remedy.what = format!(
        "Leave out --workers, or ask for {}; or raise the limit of each:",
        format::plural(needed.into(), "worker"),
    );
    Judgement::TooMuch(what, remedy)
}

fn judge_nodes(limit: &Files, files: u64, nodes: NodeLoad) -> Judgement {
    let sockets = nodes.spread * nodes.most;
    let enough = sockets.div_ceil(room(files));
    let mut remedy = raise(limit, nodes.spread.max(nodes.crowded) + RESERVE);
    remedy.what = format!(
        "Take {} (--set cluster.nodes={enough}), or raise the limit of each:",
        format::plural(enough, "node"),
    );
    if nodes.spread > files {
        let holds = match nodes.most {
            1 => "the node".to_owned(),
            most => format!("each of {} nodes", format::count(most)),
        };
        let what = format!(
            "{holds} would hold {}, and a process may open {} files",
            format::plural(nodes.spread, "socket"),
            format::count(files),
        );
        return Judgement::TooMuch(what, remedy);
    }
    if nodes.crowded > room(files) {
        let what = format!(
            "with {} up, each would need {} files for sockets and commands, and may open {}",
            format::plural(nodes.fewest.max(1), "node"),
            format::count(nodes.crowded),
            format::count(files),
        );
        remedy.what =
            "Expect refused sockets then; more nodes, or a higher limit, avoid it:".into();
        return Judgement::Doubtful(what, remedy);
    }
    Judgement::Fits
}

/// A balancer takes two files for each socket.
fn judge_balancers(limit: &Files, files: u64, share: BalancerShare) -> Judgement {
    if share.files() <= room(files) {
        return Judgement::Fits;
    }
    let forwarded = share.balancers * share.files();
    let enough = forwarded.div_ceil(room(files));
    let what = format!(
        "{} would forward {}, with two files for each, and a process may open {}",
        match share.balancers {
            1 => "the balancer".to_owned(),
            balancers => format!("each of {} balancers", format::count(balancers)),
        },
        format::plural(share.sockets + share.connections, "connection"),
        format::count(files),
    );
    let mut remedy = raise(limit, share.files() + RESERVE);
    remedy.what = match enough {
        0..=MOST_BALANCERS => format!(
            "Take {} (--set cluster.gateways={enough}), or raise the limit of each:",
            format::plural(enough, "balancer"),
        ),
        _ => "Raise the limit of each:".to_owned(),
    };
    Judgement::TooMuch(what, remedy)
}

/// What stands more in the way; of two that do so alike, the first.
fn worse(first: Judgement, second: Judgement) -> Judgement {
    let rank = |judgement: &Judgement| match judgement {
        Judgement::Fits | Judgement::Unknown => 0,
        Judgement::Doubtful(..) => 1,
        Judgement::TooMuch(..) => 2,
    };
    match rank(&second) > rank(&first) {
        true => second,
        false => first,
    }
}

/// Lets a process open `files` files, or as many as is usual.
fn raise(limit: &Files, files: u64) -> Remedy {
    let hard = files.max(limit.nr_open.unwrap_or(USUAL).min(USUAL));
    let mut remedy =
        Remedy::new("Take more processes, or raise the hard limit where highwater is started:");
    if limit.nr_open.is_some_and(|most| hard > most) {
        remedy = remedy.with(format!("sysctl -w fs.nr_open={hard}"));
    }
    remedy
        .with_at(format!("ulimit -n {hard}"), "root's shell")
        .with_at(format!("LimitNOFILE={hard}"), "systemd unit")
        .with_at(format!("--ulimit nofile={hard}:{hard}"), "docker run")
}
