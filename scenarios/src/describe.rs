//! What a plan would do, in words and numbers, for a person at a terminal.

use std::time::Duration;

use crate::{
    Matrix, Plan, format,
    plan::{
        BackplaneSpec, BalancerKind, BalancerLoadMetric, CertificateTrust, ClusterSpec, Consumers,
        Gate, HttpHeader, SystemSpec, TargetSpec,
    },
    section::Choice,
    text_layout::TextLayout,
};

mod axis;
mod axis_labels;
mod chart;
mod load;
mod matrix;
mod timeline;

/// What a description needs to know of the machine that the run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostResources {
    /// Files that a process may open.
    pub files_per_process: u64,
    /// What the plan takes of its memory; `None` leaves it out.
    pub memory: Option<MemoryEstimate>,
}

/// What a plan takes of a machine's memory, and what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// Of the coordinator and all workers with their sockets, in bytes.
    pub workers_bytes: u64,
    /// Of that, to follow messages and readings, in bytes.
    pub tracking_bytes: u64,
    /// Of the nodes and the broker that the harness starts, in bytes.
    pub nodes_bytes: u64,
    /// Of the balancers that the harness starts, in bytes.
    pub balancers_bytes: u64,
    /// Of the kernel, for the sockets' ends on this machine, in bytes.
    pub kernel_bytes: u64,
    /// Available now, in bytes; `None` where that is unknown.
    pub available_bytes: Option<u64>,
}

impl MemoryEstimate {
    /// All of it, in bytes.
    pub fn total_bytes(&self) -> u64 {
        let others = [self.nodes_bytes, self.balancers_bytes, self.kernel_bytes];
        others
            .into_iter()
            .fold(self.workers_bytes, u64::saturating_add)
    }

    /// What messages and readings take of it, behind the workers' figure; empty where
    /// there are none.
    pub fn tracking_note(&self) -> String {
        match self.tracking_bytes {
            0 => String::new(),
            bytes => format!(
                " ({} of it to follow messages and telemetry records)",
                format::bytes(bytes)
            ),
        }
    }
}

/// Describes the plan in at most 80 columns: what happens when as a chart, the
/// system, the same in words, the load at its peak, what it takes of `host`,
/// and the gates.
pub fn describe(plan: &Plan, host: &HostResources) -> String {
    let mut page = TextLayout::default();
    describe_plan(plan, host, &mut page);
    page.into_text()
}

/// Describes a scenario with its matrix: the cells, and the first of them in full.
pub fn describe_matrix(matrix: &Matrix, host: &HostResources) -> String {
    let mut page = TextLayout::default();
    describe_plan(&matrix.first().plan, host, &mut page);
    if !matrix.is_one_run() {
        matrix::describe(matrix, host.files_per_process, &mut page);
    }
    page.into_text()
}

fn describe_plan(plan: &Plan, host: &HostResources, page: &mut TextLayout) {
    let files_per_process = host.files_per_process;
    write_title(plan, page);
    chart::draw(plan, page);
    write_system(plan, page);
    timeline::describe(plan, page);
    load::peak(plan, page);
    load::workers(plan, files_per_process, page);
    load::nodes(plan, files_per_process, page);
    load::balancers(plan, files_per_process, page);
    if let Some(memory) = &host.memory {
        load::memory(memory, page);
    }
    write_gates(plan, page);
}

fn write_title(plan: &Plan, page: &mut TextLayout) {
    page.heading(&plan.name);
    if !plan.description.is_empty() {
        page.paragraph(&plan.description);
    }
    page.paragraph(&format!("Seed {}.", plan.seed));
}

fn write_system(plan: &Plan, page: &mut TextLayout) {
    page.heading("System");
    match &plan.system {
        SystemSpec::Cluster(cluster) => page.paragraph(&cluster_in_words(cluster)),
        SystemSpec::Target(target) => page.paragraph(&target_in_words(target)),
    }
}

fn cluster_in_words(cluster: &ClusterSpec) -> String {
    let nodes = match cluster.nodes {
        1 => "1 node (n1)".to_owned(),
        2 => "2 nodes (n1, n2)".to_owned(),
        count => format!("{} nodes (n1 to n{count})", format::count(count.into())),
    };
    format!(
        "A cluster of {nodes} on this machine, started for the run: backplane {}, {}, policy {}, commands routed by {}{}{}{}{}.",
        backplane_in_words(&cluster.backplane),
        balancer_in_words(cluster),
        cluster.policy.as_str(),
        cluster.routing.as_str(),
        if cluster.tls { ", over TLS" } else { "" },
        if cluster.auth { ", with tokens" } else { "" },
        max_age_in_words(cluster.max_age),
        consumers_in_words(&cluster.consumers),
    )
}

fn balancer_in_words(cluster: &ClusterSpec) -> String {
    let word = cluster.balancer.as_str();
    if cluster.balancer == BalancerKind::None {
        return format!("balancer {word}");
    }
    let count = match cluster.balancers {
        1 => format!("balancer {word} (b1)"),
        count => format!("{count} balancers {word} (b1 to b{count})"),
    };
    let tls = if cluster.balancer_tls {
        " with TLS"
    } else {
        ""
    };
    let load = match cluster.load_metric {
        BalancerLoadMetric::Sockets => String::new(),
        load => format!(" by {}", load.as_str()),
    };
    format!(
        "{count}{tls}{load}, nodes join by {}",
        cluster.join.as_str()
    )
}

fn max_age_in_words(max_age: Option<Duration>) -> String {
    match max_age {
        None => String::new(),
        Some(age) => format!(
            "; sockets are sent away when they are {} to {} old",
            format::duration(age * 3 / 4),
            format::duration(age)
        ),
    }
}

fn consumers_in_words(consumers: &Consumers) -> String {
    let count = match consumers.count {
        0 => return String::new(),
        1 => "1 consumer (c1)".to_owned(),
        count => format!("{count} consumers (c1 to c{count})"),
    };
    let time = match consumers.processing_time.is_zero() {
        true => String::new(),
        false => format!(" in {} each", format::duration(consumers.processing_time)),
    };
    let loses = match consumers.drop_every {
        0 => String::new(),
        every => format!(", and lose one in {}", format::count(every)),
    };
    format!("; telemetry records handled by {count}{time}{loses}")
}

/// Without the password of a broker.
fn backplane_in_words(backplane: &BackplaneSpec) -> String {
    match backplane {
        BackplaneSpec::Local => "local".to_owned(),
        BackplaneSpec::Broker(broker) => {
            let name = broker.url.kind().name();
            format!("{} ({name}, which must be running already)", broker.url)
        }
    }
}

fn target_in_words(target: &TargetSpec) -> String {
    let observed = match target.observe.len() {
        0 => "no process of it is observed, so nothing is said about its memory".to_owned(),
        1 => "1 process of it is observed".to_owned(),
        count => format!("{count} processes of it are observed"),
    };
    let http = match target.http.as_slice() {
        [] => String::new(),
        http => format!(", commands to {}", http.join(", ")),
    };
    format!(
        "A system that is running: sockets to {}{http}; dialect {}{}{}; {observed}.",
        target.ws.join(", "),
        target.dialect.as_str(),
        trust_in_words(&target.trust),
        headers_in_words(&target.headers),
    )
}

fn trust_in_words(trust: &CertificateTrust) -> String {
    match trust {
        CertificateTrust::Machine => String::new(),
        CertificateTrust::Authorities { file } => format!("; certificates by {file} alone"),
        CertificateTrust::Anybody => "; certificates are not verified".to_owned(),
    }
}

/// Their names: a value may be a secret.
fn headers_in_words(headers: &[HttpHeader]) -> String {
    let names: Vec<_> = headers.iter().map(|header| header.name.as_str()).collect();
    match names.as_slice() {
        [] => String::new(),
        names => format!("; with {}", names.join(", ")),
    }
}

fn write_gates(plan: &Plan, page: &mut TextLayout) {
    page.heading("Gates");
    if plan.gates.is_empty() {
        page.paragraph("None: the run measures and judges nothing.");
    }
    for gate in &plan.gates {
        page.paragraph(&gate_in_words(gate));
    }
}

fn gate_in_words(gate: &Gate) -> String {
    let name = match gate.name == gate.check.text {
        true => String::new(),
        false => format!("{}: ", gate.name),
    };
    let during = match gate.during {
        Some(window) => format!(" (during {})", window.as_str()),
        None => String::new(),
    };
    format!("{name}{}{during}", gate.check.text)
}
