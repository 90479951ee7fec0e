//! Plans that report a machine, and the first failure of plans that do not.

use highwater_loadgen::{
    coordinator::LocalWorkers,
    doctor::{
        HostLimits, PreflightReport,
        limits::{ConntrackTable, Limit, ProgramPresence},
    },
};
use highwater_scenarios::{Plan, plan::BalancerKind};

use super::fixture::{GIB, cluster, machine, machine_with_files, target};

/// A target on another machine.
const REMOTE_TARGET: &str = "ws://192.0.2.7:8080/ws?device={device}";

/// Expects that the plan fits, or that the first failure contains `failure`.
#[track_caller]
fn check(
    plan: &Plan,
    limits: &HostLimits,
    workers: Option<u32>,
    failure: Option<&str>,
) -> PreflightReport {
    let workers = LocalWorkers {
        count: workers,
        bind: Vec::new(),
    };
    check_workers(plan, limits, &workers, failure)
}

/// Expects the same with these workers.
#[track_caller]
fn check_workers(
    plan: &Plan,
    limits: &HostLimits,
    workers: &LocalWorkers,
    failure: Option<&str>,
) -> PreflightReport {
    let report = PreflightReport::check(plan, workers, limits);
    match (failure, report.failures.first()) {
        (None, None) => {}
        (Some(part), Some(found)) => assert!(found.message.contains(part), "{}", found.message),
        _ => panic!("expected {failure:?}, found {:?}", report.failures),
    }
    report
}

#[test]
fn run_starts_as_many_workers_as_its_files_need() {
    let report = check(&cluster(3, 50_000), &machine(), None, None);
    assert_eq!(report.load.workers, 3);
    assert_eq!(report.load.worker_files, 16_667);
    assert_eq!(report.load.nodes.unwrap().sockets_per_node, 16_667);
    assert_eq!(report.warnings, []);
    // 3 workers, 3 nodes, a broker and the coordinator.
    assert_eq!((report.load.processes, report.load.files), (8, 100_000));
}

#[test]
fn plan_with_too_few_workers_fails() {
    let report = check(
        &cluster(3, 50_000),
        &machine(),
        Some(2),
        Some("25,000 open files and 512 in reserve, and a process may open 20,000"),
    );
    let fix = &report.failures[0].fix;
    assert!(fix.action.contains("3 workers"), "{}", fix.action);
}

#[test]
fn plan_with_too_few_nodes_fails() {
    let plan = cluster(2, 50_000);
    let report = check(
        &plan,
        &machine(),
        None,
        Some("each of 2 nodes would hold 25,000 sockets"),
    );
    let fix = &report.failures[0].fix;
    assert!(
        fix.action.contains("--set cluster.nodes=3"),
        "{}",
        fix.action
    );
    check(&plan, &machine_with_files(), None, None);
}

/// A plan with six nodes behind balancers.
fn balanced(balancer: &str, balancers: u32, sockets: u64) -> Plan {
    let text = format!(
        "name = \"balanced\"\nduration = \"60s\"\n[cluster]\nnodes = 6\n\
         balancer = \"{balancer}\"\nbalancers = {balancers}\n\
         [[devices]]\nname = \"home\"\ncount = {sockets}\nramp = \"200/s\"\n"
    );
    highwater_scenarios::parse("balanced.toml", &text, &[]).unwrap()
}

#[test]
fn balancer_takes_two_files_a_socket() {
    let report = check(&balanced("gateway", 1, 9_500), &machine(), None, None);
    let share = report.load.balancers.unwrap();
    assert_eq!((share.open_files(), report.load.files), (19_000, 38_000));
    let report = check(
        &balanced("nginx", 1, 10_000),
        &machine(),
        None,
        Some("the balancer would forward 10,000 connections, with two files for each"),
    );
    let fix = &report.failures[0].fix;
    assert!(fix.action.contains("cluster.balancers=2"), "{}", fix.action);
    let report = check(
        &balanced("gateway", 9, 100_000),
        &machine(),
        None,
        Some("each of 9 balancers"),
    );
    // A scenario may not ask for the number of balancers that would be enough.
    assert_eq!(report.failures[0].fix.action, "Raise the limit of each:");
    let two = check(&balanced("nginx", 2, 10_000), &machine(), None, None);
    let haproxy = check(&balanced("haproxy", 2, 10_000), &machine(), None, None);
    let bytes = |report: &PreflightReport| report.load.memory.balancers_bytes;
    assert!(bytes(&two) > bytes(&haproxy) && bytes(&haproxy) > 0);
}

#[test]
fn missing_balancer_program_fails_the_plan_that_needs_it() {
    let mut limits = machine();
    limits
        .programs
        .set(BalancerKind::Nginx, ProgramPresence::Missing);
    let report = check(
        &balanced("nginx", 1, 100),
        &limits,
        None,
        Some("the program nginx is not on this machine"),
    );
    let command = &report.failures[0].fix.settings[0].line;
    assert!(command.ends_with(" nginx-light"), "{command}");
    for other in ["haproxy", "gateway"] {
        check(&balanced(other, 1, 100), &limits, None, None);
    }
    limits
        .programs
        .set(BalancerKind::Nginx, ProgramPresence::Unknown);
    let report = check(&balanced("nginx", 1, 100), &limits, None, None);
    assert_eq!(report.unknown, ["nginx"]);
}

#[test]
fn connections_behind_a_balancer_are_tracked_twice() {
    let mut limits = machine();
    limits.conntrack = ConntrackTable {
        max: Limit::AtMost(10_000),
        entries: Some(1),
    };
    check(&cluster(2, 5_000), &limits, None, None);
    check(
        &balanced("haproxy", 1, 5_000),
        &limits,
        None,
        Some("10,000 more connections"),
    );
}

#[test]
fn killed_node_that_overloads_the_others_is_a_warning() {
    let text = "name = \"kill\"\nduration = \"60s\"\n[cluster]\nnodes = 2\n\
        [[devices]]\nname = \"home\"\ncount = 25000\nramp = \"200/s\"\n\
        [[events]]\nat = \"30s\"\ndo = \"kill-node\"\nnode = \"n2\"\n";
    let plan = highwater_scenarios::parse("kill.toml", text, &[]).unwrap();
    let report = check(&plan, &machine(), None, None);
    assert!(
        report.warnings[0].message.contains("with 1 node up"),
        "{:?}",
        report.warnings
    );
}

#[test]
fn ports_bind_towards_a_remote_target_and_not_on_loopback() {
    let limits = machine();
    // Workers propose ports themselves, so the kernel's slow search does not matter.
    let most = check(&target(REMOTE_TARGET, 28_232), &limits, None, None);
    assert_eq!(most.warnings, []);
    let report = check(
        &target(REMOTE_TARGET, 28_233),
        &limits,
        None,
        Some("28,233 connections to 192.0.2.7:8080"),
    );
    assert_eq!(report.failures.len(), 1);
    for local in ["ws://127.0.0.1:8080/ws", "ws://localhost:8080/ws"] {
        let report = check(&target(local, 100_000), &limits, None, None);
        assert_eq!(report.load.workers, 6);
    }
    check(
        &target("ws://[::1]:8080/ws", 100_000),
        &limits,
        None,
        Some("[::1]:8080"),
    );
}

#[test]
fn ports_count_once_for_each_source_address_of_the_family() {
    let limits = machine();
    let bound = |addresses: &[&str]| LocalWorkers {
        count: None,
        bind: addresses.iter().map(|text| text.parse().unwrap()).collect(),
    };
    let three = bound(&["192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"]);
    let most = 3 * 28_232;
    let report = check_workers(&target(REMOTE_TARGET, most), &limits, &three, None);
    let busiest = report.load.busiest_destination.unwrap();
    assert_eq!((busiest.connections, busiest.sources), (28_232, 3));
    check_workers(
        &target(REMOTE_TARGET, most + 1),
        &limits,
        &three,
        Some("28,233 connections to 192.0.2.7:8080 from each of 3 addresses"),
    );
    // An address of the other family is left out, and the kernel chooses one.
    let other = bound(&["2001:db8::1"]);
    let one = target(REMOTE_TARGET, 28_233);
    check_workers(&one, &limits, &other, Some("28,233 connections to 192"));
    // With an address of its own, a worker takes no other one of the loopback network.
    let local = bound(&["127.0.0.5"]);
    let plan = target("ws://127.0.0.1:8080/ws", 28_233);
    check_workers(&plan, &limits, &local, Some("28,233 connections to 127"));
    let plan = cluster(2, 60_000);
    check_workers(
        &plan,
        &machine_with_files(),
        &local,
        Some("30,000 connections to each"),
    );
}

#[test]
fn kernel_that_searches_for_the_ports_of_balancers_is_noted() {
    let limits = machine_with_files();
    let report = check(&balanced("gateway", 8, 100_000), &limits, None, None);
    let found = report.warnings.iter().map(|warning| &warning.message);
    let notes: Vec<_> = found.filter(|text| text.contains("past 14,116")).collect();
    assert!(
        matches!(&*notes, [note] if note.contains("from the balancers")),
        "{:?}",
        report.warnings
    );
}

#[test]
fn plan_larger_than_the_control_group_fails() {
    let mut limits = machine();
    limits.memory.cgroup_max = Limit::AtMost(GIB / 2);
    limits.memory.cgroup_available = Limit::AtMost(GIB / 4);
    check(&cluster(2, 5_000), &limits, None, None);
    check(
        &cluster(2, 30_000),
        &limits,
        None,
        Some("of memory, and 256 MiB are left"),
    );
}

#[test]
fn plan_larger_than_the_conntrack_table_fails() {
    let mut limits = machine();
    limits.conntrack = ConntrackTable {
        max: Limit::AtMost(10_000),
        entries: Some(5_001),
    };
    check(&cluster(2, 4_999), &limits, None, None);
    check(&cluster(2, 5_000), &limits, None, Some("room for 4,999"));
}

#[test]
fn plan_larger_than_system_files_or_threads_fails() {
    let mut limits = machine();
    limits.files.system_max = Some(10_000);
    check(&cluster(2, 4_000), &limits, None, None);
    check(&cluster(2, 4_001), &limits, None, Some("8,002 open files"));
    limits.threads.cgroup_max = Limit::AtMost(59);
    // Five processes with twelve threads each.
    check(&cluster(2, 100), &limits, None, Some("59 may exist"));
}

#[test]
fn too_few_cpu_cores_are_a_warning() {
    let mut limits = machine();
    limits.cpus.online = Some(1);
    let text = "name = \"busy\"\nduration = \"60s\"\n[cluster]\nnodes = 2\n\
        [[devices]]\nname = \"home\"\ncount = 20000\nramp = \"200/s\"\nheartbeat = \"500ms\"\n";
    let plan = highwater_scenarios::parse("busy.toml", text, &[]).unwrap();
    let report = check(&plan, &limits, None, None);
    assert!(
        report.warnings[0].message.contains("2.2 CPU cores"),
        "{:?}",
        report.warnings
    );
}

#[test]
fn unknown_limits_do_not_fail_a_plan() {
    let report = check(&cluster(2, 5_000), &HostLimits::default(), None, None);
    assert_eq!(report.load.workers_needed, None);
    assert!(report.unknown.len() >= 5, "{:?}", report.unknown);
}

/// A plan with fifty thousand devices and these loads.
fn with_loads(loads: &str) -> Plan {
    let text = format!(
        "name = \"loads\"\nduration = \"60s\"\n[cluster]\nnodes = 3\nconsumers = 4\n\
         [[devices]]\nname = \"home\"\ncount = 50000\nramp = \"200/s\"\n{loads}"
    );
    highwater_scenarios::parse("loads.toml", &text, &[]).unwrap()
}

#[test]
fn memory_of_messages_and_telemetry_is_counted() {
    let machine = machine();
    let bytes = |loads: &str| {
        let report = check(&with_loads(loads), &machine, None, None);
        // 3 workers, 3 nodes, 4 consumers, a broker and the coordinator.
        assert_eq!(report.load.processes, 12);
        report.load.memory.tracking_bytes
    };
    assert_eq!(bytes(""), 0);
    // Devices and coordinator each keep a bit for each of six million records.
    let faster = bytes("[[telemetry]]\nrate = \"100000/s\"\n");
    let slower = bytes("[[telemetry]]\nrate = \"50000/s\"\n");
    assert_eq!(faster - slower, 3_000_000 / 4);

    let load = "[[publish]]\nrate = \"5/s\"\nfrom = \"device\"\npublishers = 50000\n";
    let small = bytes(&format!("{load}topics = 1000"));
    assert!(small > 0);
    // With one topic, every device follows every other device.
    check(
        &with_loads(load),
        &machine,
        None,
        Some("of memory, and 30 GiB are left"),
    );
}
