//! The limit that binds, the number of sockets, and the settings to change.

use highwater_loadgen::doctor::{
    BindingConstraint, Capacity, HostLimits, HostRole,
    costs::NODE_PROCESS_BYTES,
    limits::{ConntrackTable, Limit, PortRange},
};

use super::fixture::{GIB, machine, machine_with_files};

fn first(limits: &HostLimits, role: HostRole) -> (BindingConstraint, String) {
    let capacity = Capacity::of(limits);
    let first = capacity
        .for_role(role)
        .unwrap()
        .binding_constraint()
        .unwrap();
    (first, first.constraint.describe(limits))
}

/// The settings to change, as a person types them.
fn settings(limits: &HostLimits, role: HostRole) -> Vec<String> {
    let capacity = Capacity::of(limits);
    let fix = capacity.for_role(role).unwrap().fix(limits).unwrap();
    fix.settings
        .into_iter()
        .map(|setting| setting.line)
        .collect()
}

#[track_caller]
fn check(limits: &HostLimits, role: HostRole, sockets: u64, limit: &str) {
    let (first, text) = first(limits, role);
    assert_eq!((first.sockets, text.as_str()), (sockets, limit), "{role:?}");
}

#[test]
fn open_files_bind_in_one_process() {
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
fn soft_limit_of_files_does_not_bind() {
    let mut limits = machine_with_files();
    limits.files.soft = Some(1_024);
    check(&limits, HostRole::Worker, 28_232, "28,232 ports a target");
    limits.files.hard = Some(1_024);
    // At most half of the files are in reserve.
    check(&limits, HostRole::Worker, 512, "1,024 files a process");
}

#[test]
fn nr_open_binds_below_the_hard_limit() {
    let mut limits = machine();
    limits.files.hard = Some(2_000_000);
    limits.files.nr_open = Some(10_000);
    check(&limits, HostRole::Node, 9_488, "10,000 files a process");
    let lines = settings(&limits, HostRole::Node);
    assert!(lines[0].starts_with("sysctl -w fs.nr_open="), "{lines:?}");
}

#[test]
fn ports_bind_towards_one_address_of_another_machine() {
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
fn reserved_ports_lower_the_ceiling() {
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
fn memory_binds_in_a_small_control_group() {
    let mut limits = machine_with_files();
    limits.memory.cgroup_max = Limit::AtMost(GIB / 2);
    limits.memory.cgroup_available = Limit::AtMost(GIB / 2);
    // Nine tenths of it without the process's own memory, at 5,700 bytes a socket.
    assert_eq!((GIB / 2 / 10 * 9 - NODE_PROCESS_BYTES) / 5_700, 84_309);
    check(&limits, HostRole::Node, 84_300, "512 MiB of memory left");
    let lines = settings(&limits, HostRole::Node);
    assert!(lines[0].starts_with("MemoryMax="), "{lines:?}");
}

#[test]
fn more_processes_leave_less_memory_for_sockets() {
    let mut limits = machine();
    limits.memory.available = Some(GIB);
    let (few, _) = first(&limits, HostRole::Nodes);
    limits.files.hard = Some(1_048_576);
    let (one, _) = first(&limits, HostRole::Nodes);
    // 19,488 sockets of 5,700 bytes take 111 MB, and each process 2.5 MiB.
    assert!(few.sockets < one.sockets, "{few:?}, {one:?}");
    assert_eq!((GIB / 10 * 9 - NODE_PROCESS_BYTES) / 5_700, 169_078);
    assert_eq!(one.sockets, 169_000);
}

#[test]
fn conntrack_binds_unless_no_rule_tracks() {
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
    // An empty table means that no rule tracks.
    limits.conntrack.entries = Some(0);
    check(&limits, HostRole::Workers, 28_232, "28,232 ports a target");
}

#[test]
fn system_files_bind_at_half_when_both_ends_are_here() {
    let mut limits = machine();
    limits.files.system_max = Some(100_000);
    limits.files.system_open = Some(20_000);
    check(&limits, HostRole::BothEnds, 40_000, "100,000 files in all");
    let lines = settings(&limits, HostRole::BothEnds);
    assert!(lines[0].starts_with("sysctl -w fs.file-max="), "{lines:?}");
}

#[test]
fn threads_bind_when_processes_hold_few_sockets() {
    let mut limits = machine();
    limits.threads.cgroup_max = Limit::AtMost(48);
    // Twelve threads a process and two processes a pair: two pairs.
    check(&limits, HostRole::BothEnds, 2 * 19_488, "48 threads");
    let lines = settings(&limits, HostRole::BothEnds);
    assert!(
        lines.iter().all(|line| line.starts_with("TasksMax=")),
        "{lines:?}"
    );
}

#[test]
fn cpu_quota_binds() {
    let mut limits = machine();
    limits.cpus.quota_millicores = Limit::AtMost(500);
    // Half a core, 55 µs for both ends of a heartbeat, one heartbeat every 20 s.
    check(&limits, HostRole::BothEnds, 180_000, "0.5 CPU cores");
}

#[test]
fn unknown_limits_are_named() {
    let mut limits = machine();
    limits.files.hard = None;
    limits.port_range = None;
    let capacity = Capacity::of(&limits);
    let worker = capacity.for_role(HostRole::Worker).unwrap();
    assert_eq!(worker.unknown, ["open files a process", "ephemeral ports"]);
    let nothing = Capacity::of(&HostLimits::default());
    for role in &nothing.roles {
        assert!(role.binding_constraint().is_none(), "{role:?}");
        assert!(role.unknown.len() >= 3, "{role:?}");
    }
}
