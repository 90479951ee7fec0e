//! Which limit binds, at how many sockets, and what is to be changed.

use highwater_loadgen::doctor::{
    BindingConstraint, Capacity, HostLimits, HostRole,
    costs::NODE_PROCESS_BYTES,
    limits::{ConntrackTable, Limit, PortRange},
};

use super::fixture::{GIB, machine, machine_with_files};

fn first(limits: &HostLimits, usage: HostRole) -> (BindingConstraint, String) {
    let capacity = Capacity::of(limits);
    let first = capacity
        .for_role(usage)
        .unwrap()
        .binding_constraint()
        .unwrap();
    (first, first.constraint.describe(limits))
}

/// The settings that are to be changed, as they would be typed.
fn settings(limits: &HostLimits, usage: HostRole) -> Vec<String> {
    let capacity = Capacity::of(limits);
    let remedy = capacity.for_role(usage).unwrap().fix(limits).unwrap();
    remedy
        .settings
        .into_iter()
        .map(|setting| setting.line)
        .collect()
}

#[track_caller]
fn check(limits: &HostLimits, usage: HostRole, sockets: u64, words: &str) {
    let (first, binds) = first(limits, usage);
    assert_eq!(
        (first.sockets, binds.as_str()),
        (sockets, words),
        "{usage:?}"
    );
}

#[test]
fn open_files_bind_in_a_process() {
    let limits = machine();
    // 512 files are in reserve, and a proxy takes two for each connection.
    check(&limits, HostRole::Worker, 19_488, "20,000 files a process");
    check(&limits, HostRole::Node, 19_488, "20,000 files a process");
    check(&limits, HostRole::Proxy, 9_744, "20,000 files a process");
    assert_eq!(
        settings(&limits, HostRole::Worker),
        [
            "ulimit -n 1048576",
            "LimitNOFILE=1048576",
            "--ulimit nofile=1048576:1048576"
        ]
    );
}

#[test]
fn a_soft_limit_is_raised_by_itself() {
    let mut limits = machine_with_files();
    limits.files.soft = Some(1_024);
    check(&limits, HostRole::Worker, 28_232, "28,232 ports a target");
    limits.files.hard = Some(1_024);
    // Half of a small limit is enough of a reserve.
    check(&limits, HostRole::Worker, 512, "1,024 files a process");
}

#[test]
fn nothing_goes_past_nr_open() {
    let mut limits = machine();
    limits.files.hard = Some(2_000_000);
    limits.files.nr_open = Some(10_000);
    check(&limits, HostRole::Node, 9_488, "10,000 files a process");
    let lines = settings(&limits, HostRole::Node);
    assert!(lines[0].starts_with("sysctl -w fs.nr_open="), "{lines:?}");
}

#[test]
fn ports_bind_towards_one_address_elsewhere() {
    let limits = machine_with_files();
    check(&limits, HostRole::Worker, 28_232, "28,232 ports a target");
    check(&limits, HostRole::Workers, 28_232, "28,232 ports a target");
    assert_eq!(
        settings(&limits, HostRole::Worker),
        ["sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\""]
    );
    let (towards_many, _) = first(&limits, HostRole::ManyTargets);
    assert!(towards_many.sockets > 1_000_000, "{towards_many:?}");
}

#[test]
fn reserved_ports_are_none_to_connect_from() {
    let mut limits = machine_with_files();
    let ports = PortRange {
        first: 1_024,
        last: 65_535,
        reserved: 512,
    };
    limits.port_range = Some(ports);
    assert_eq!((ports.count(), ports.knee()), (64_000, 32_000));
    check(&limits, HostRole::Workers, 64_000, "64,000 ports a target");
    // No range is wider: only other addresses help.
    assert_eq!(settings(&limits, HostRole::Workers), Vec::<String>::new());
}

#[test]
fn memory_binds_in_a_small_group() {
    let mut limits = machine_with_files();
    limits.memory.cgroup_max = Limit::AtMost(GIB / 2);
    limits.memory.cgroup_available = Limit::AtMost(GIB / 2);
    // Nine tenths of it, without the process, at 5,600 bytes a socket.
    assert_eq!((GIB / 2 / 10 * 9 - NODE_PROCESS_BYTES) / 5_600, 85_814);
    check(&limits, HostRole::Node, 85_800, "512 MiB of memory left");
    let lines = settings(&limits, HostRole::Node);
    assert!(lines[0].starts_with("MemoryMax="), "{lines:?}");
}

#[test]
fn every_process_takes_memory_of_its_own() {
    let mut limits = machine();
    limits.memory.available = Some(GIB);
    let (few, _) = first(&limits, HostRole::Nodes);
    limits.files.hard = Some(1_048_576);
    let (one, _) = first(&limits, HostRole::Nodes);
    // 19,488 sockets of 5,600 bytes take 109 MB, and each process 2.5 MiB.
    assert!(few.sockets < one.sockets, "{few:?}, {one:?}");
    assert_eq!((GIB / 10 * 9 - NODE_PROCESS_BYTES) / 5_600, 172_097);
    assert_eq!(one.sockets, 172_000);
}

#[test]
fn a_full_table_of_the_firewall_binds() {
    let mut limits = machine_with_files();
    limits.conntrack = ConntrackTable {
        max: Limit::AtMost(262_144),
        entries: Some(262_000),
    };
    check(&limits, HostRole::Node, 144, "262,144 tracked");
    check(&limits, HostRole::Proxy, 72, "262,144 tracked");
    let lines = settings(&limits, HostRole::Node);
    assert!(
        lines[0].starts_with("sysctl -w net.netfilter.nf_conntrack_max="),
        "{lines:?}"
    );
    // A table in which nothing ever is: no rule feeds it.
    limits.conntrack.entries = Some(0);
    check(&limits, HostRole::Workers, 28_232, "28,232 ports a target");
}

#[test]
fn files_of_the_system_bind_both_ends() {
    let mut limits = machine();
    limits.files.system_max = Some(100_000);
    limits.files.system_open = Some(20_000);
    check(&limits, HostRole::BothEnds, 40_000, "100,000 files in all");
    let lines = settings(&limits, HostRole::BothEnds);
    assert!(lines[0].starts_with("sysctl -w fs.file-max="), "{lines:?}");
}

#[test]
fn threads_bind_where_processes_are_small() {
    let mut limits = machine();
    limits.threads.cgroup_max = Limit::AtMost(48);
    // Twelve threads to a process, two processes to a pair: two pairs.
    check(&limits, HostRole::BothEnds, 2 * 19_488, "48 threads");
    let lines = settings(&limits, HostRole::BothEnds);
    assert!(
        lines.iter().all(|line| line.starts_with("TasksMax=")),
        "{lines:?}"
    );
}

#[test]
fn a_quota_of_processors_binds() {
    let mut limits = machine();
    limits.cpus.quota_millicores = Limit::AtMost(500);
    // Half a processor, 45 µs for both ends of a heartbeat, one every 20 s.
    check(&limits, HostRole::BothEnds, 220_000, "0.5 processors");
}

#[test]
fn what_is_unknown_is_said_to_be() {
    let mut limits = machine();
    limits.files.hard = None;
    limits.port_range = None;
    let capacity = Capacity::of(&limits);
    let worker = capacity.for_role(HostRole::Worker).unwrap();
    assert_eq!(worker.unknown, ["open files a process", "ephemeral ports"]);
    let nothing = Capacity::of(&HostLimits::default());
    for ceilings in &nothing.roles {
        assert!(ceilings.binding_constraint().is_none(), "{ceilings:?}");
        assert!(ceilings.unknown.len() >= 3, "{ceilings:?}");
    }
}
