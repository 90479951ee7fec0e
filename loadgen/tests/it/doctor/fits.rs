//! Plans on machines: what fits, what does not, and what is named first.

use highwater_loadgen::doctor::{
    HostLimits, PreflightReport,
    limits::{ConntrackTable, Limit, ProgramPresence},
};
use highwater_scenarios::Plan;

use super::fixture::{GIB, cluster, machine, machine_with_files, target};

const ELSEWHERE: &str = "ws://192.0.2.7:8080/ws?device={device}";

/// Expects that the plan fits, or that the first obstacle says `obstacle`.
#[track_caller]
fn check(
    plan: &Plan,
    limits: &HostLimits,
    workers: Option<u32>,
    obstacle: Option<&str>,
) -> PreflightReport {
    let fit = PreflightReport::check(plan, workers, limits);
    match (obstacle, fit.failures.first()) {
        (None, None) => {}
        (Some(says), Some(found)) => assert!(found.message.contains(says), "{}", found.message),
        _ => panic!("{obstacle:?}, and it is {:?}", fit.failures),
    }
    fit
}

#[test]
fn as_many_workers_as_it_takes() {
    let fit = check(&cluster(3, 50_000), &machine(), None, None);
    assert_eq!(fit.load.workers, 3);
    assert_eq!(fit.load.worker_files, 16_667);
    assert_eq!(fit.load.nodes.unwrap().sockets_per_node, 16_667);
    assert_eq!(fit.warnings, []);
    // 3 workers, 3 nodes, a broker and a coordinator.
    assert_eq!((fit.load.processes, fit.load.files), (8, 100_000));
}

#[test]
fn too_few_workers() {
    let fit = check(
        &cluster(3, 50_000),
        &machine(),
        Some(2),
        Some("25,000 open files and 512 in reserve, and a process may open 20,000"),
    );
    let remedy = &fit.failures[0].fix;
    assert!(remedy.action.contains("3 workers"), "{}", remedy.action);
}

#[test]
fn too_few_nodes() {
    let plan = cluster(2, 50_000);
    let fit = check(
        &plan,
        &machine(),
        None,
        Some("each of 2 nodes would hold 25,000 sockets"),
    );
    let remedy = &fit.failures[0].fix;
    assert!(
        remedy.action.contains("--set cluster.nodes=3"),
        "{}",
        remedy.action
    );
    check(&plan, &machine_with_files(), None, None);
}

/// A plan with so many sockets through so many balancers to six nodes.
fn balanced(balancer: &str, balancers: u32, sockets: u64) -> Plan {
    let text = format!(
        "name = \"balanced\"\nduration = \"60s\"\n[cluster]\nnodes = 6\n\
         balancer = \"{balancer}\"\nbalancers = {balancers}\n\
         [[devices]]\nname = \"home\"\ncount = {sockets}\nramp = \"200/s\"\n"
    );
    highwater_scenarios::parse("balanced.toml", &text, &[]).unwrap()
}

#[test]
fn a_balancer_takes_two_files_a_socket() {
    let fit = check(&balanced("gateway", 1, 9_500), &machine(), None, None);
    let share = fit.load.balancers.unwrap();
    assert_eq!((share.open_files(), fit.load.files), (19_000, 38_000));
    let fit = check(
        &balanced("nginx", 1, 10_000),
        &machine(),
        None,
        Some("the balancer would forward 10,000 connections, with two files for each"),
    );
    let remedy = &fit.failures[0].fix;
    assert!(
        remedy.action.contains("cluster.balancers=2"),
        "{}",
        remedy.action
    );
    let fit = check(
        &balanced("gateway", 9, 100_000),
        &machine(),
        None,
        Some("each of 9 balancers"),
    );
    // As many as it would take cannot be asked for.
    assert_eq!(fit.failures[0].fix.action, "Raise the limit of each:");
    let two = check(&balanced("nginx", 2, 10_000), &machine(), None, None);
    let haproxy = check(&balanced("haproxy", 2, 10_000), &machine(), None, None);
    let bytes = |fit: &PreflightReport| fit.load.memory.balancers_bytes;
    assert!(bytes(&two) > bytes(&haproxy) && bytes(&haproxy) > 0);
}

#[test]
fn a_balancer_that_is_not_installed_stands_in_the_way() {
    let mut limits = machine();
    limits.programs.nginx = ProgramPresence::Missing;
    let fit = check(
        &balanced("nginx", 1, 100),
        &limits,
        None,
        Some("the program nginx is not on this machine"),
    );
    let installation = &fit.failures[0].fix.settings[0].line;
    assert!(installation.ends_with(" nginx-light"), "{installation}");
    for other in ["haproxy", "gateway"] {
        check(&balanced(other, 1, 100), &limits, None, None);
    }
    limits.programs.nginx = ProgramPresence::Unknown;
    let fit = check(&balanced("nginx", 1, 100), &limits, None, None);
    assert_eq!(fit.unknown, ["nginx"]);
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
fn a_killed_node_leaves_too_few_for_a_time() {
    let text = "name = \"kill\"\nduration = \"60s\"\n[cluster]\nnodes = 2\n\
        [[devices]]\nname = \"home\"\ncount = 25000\nramp = \"200/s\"\n\
        [[events]]\nat = \"30s\"\ndo = \"kill-node\"\nnode = \"n2\"\n";
    let plan = highwater_scenarios::parse("kill.toml", text, &[]).unwrap();
    let fit = check(&plan, &machine(), None, None);
    assert!(
        fit.warnings[0].message.contains("with 1 node up"),
        "{:?}",
        fit.warnings
    );
}

#[test]
fn ports_end_a_target_elsewhere_and_not_on_loopback() {
    let limits = machine();
    check(&target(ELSEWHERE, 14_116), &limits, None, None);
    let slow = check(&target(ELSEWHERE, 14_117), &limits, None, None);
    assert!(
        slow.warnings[0].message.contains("past 14,116"),
        "{:?}",
        slow.warnings
    );
    let fit = check(
        &target(ELSEWHERE, 28_233),
        &limits,
        None,
        Some("28,233 connections to 192.0.2.7:8080"),
    );
    assert_eq!(fit.failures.len(), 1);
    for near in ["ws://127.0.0.1:8080/ws", "ws://localhost:8080/ws"] {
        let fit = check(&target(near, 100_000), &limits, None, None);
        assert_eq!(fit.load.workers, 6);
    }
    check(
        &target("ws://[::1]:8080/ws", 100_000),
        &limits,
        None,
        Some("[::1]:8080"),
    );
}

#[test]
fn memory_of_a_small_group() {
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
fn a_full_table_of_the_firewall() {
    let mut limits = machine();
    limits.conntrack = ConntrackTable {
        max: Limit::AtMost(10_000),
        entries: Some(5_001),
    };
    check(&cluster(2, 4_999), &limits, None, None);
    check(&cluster(2, 5_000), &limits, None, Some("room for 4,999"));
}

#[test]
fn files_and_threads_of_the_system() {
    let mut limits = machine();
    limits.files.system_max = Some(10_000);
    check(&cluster(2, 4_000), &limits, None, None);
    check(&cluster(2, 4_001), &limits, None, Some("8,002 open files"));
    limits.threads.cgroup_max = Limit::AtMost(59);
    // Five processes with twelve threads each.
    check(&cluster(2, 100), &limits, None, Some("59 may exist"));
}

#[test]
fn processors_forbid_nothing() {
    let mut limits = machine();
    limits.cpus.online = Some(1);
    let text = "name = \"busy\"\nduration = \"60s\"\n[cluster]\nnodes = 2\n\
        [[devices]]\nname = \"home\"\ncount = 20000\nramp = \"200/s\"\nheartbeat = \"500ms\"\n";
    let plan = highwater_scenarios::parse("busy.toml", text, &[]).unwrap();
    let fit = check(&plan, &limits, None, None);
    assert!(
        fit.warnings[0].message.contains("1.8 processors"),
        "{:?}",
        fit.warnings
    );
}

#[test]
fn what_is_unknown_is_not_held_against_a_plan() {
    let fit = check(&cluster(2, 5_000), &HostLimits::default(), None, None);
    assert_eq!(fit.load.workers_needed, None);
    assert!(fit.unknown.len() >= 5, "{:?}", fit.unknown);
}

/// Fifty thousand devices with these loads.
fn with_loads(loads: &str) -> Plan {
    let text = format!(
        "name = \"loads\"\nduration = \"60s\"\n[cluster]\nnodes = 3\nconsumers = 4\n\
         [[devices]]\nname = \"home\"\ncount = 50000\nramp = \"200/s\"\n{loads}"
    );
    highwater_scenarios::parse("loads.toml", &text, &[]).unwrap()
}

#[test]
fn what_messages_and_readings_take_is_counted() {
    let machine = machine();
    let bytes = |loads: &str| {
        let fit = check(&with_loads(loads), &machine, None, None);
        // 3 workers, 3 nodes, 4 consumers, a broker and a coordinator.
        assert_eq!(fit.load.processes, 12);
        fit.load.memory.tracking_bytes
    };
    assert_eq!(bytes(""), 0);
    // A bit on either side for each of six million.
    let readings = bytes("[[telemetry]]\nrate = \"100000/s\"\n");
    let slower = bytes("[[telemetry]]\nrate = \"50000/s\"\n");
    assert_eq!(readings - slower, 3_000_000 / 4);

    let rooms = "[[publish]]\nrate = \"5/s\"\nfrom = \"device\"\npublishers = 50000\n";
    let small = bytes(&format!("{rooms}topics = 1000"));
    assert!(small > 0);
    // In one room everybody follows everybody.
    check(
        &with_loads(rooms),
        &machine,
        None,
        Some("of memory, and 30 GiB are left"),
    );
}
