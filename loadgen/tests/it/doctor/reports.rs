//! The report as a person sees it.

use expect_test::expect;
use highwater_loadgen::{
    coordinator::LocalWorkers,
    doctor::{HostLimits, PreflightReport, report_text},
};

use super::fixture::{cluster, machine, target};

#[test]
fn report_of_a_machine() {
    expect![[r#"
        This machine
          What binds first is 20,000 files a process: sockets end at 19,488 in a worker,
          19,488 in a node, 9,744 in a proxy.
          More sockets take more processes, and `highwater run` starts as many workers
          as it needs. With both ends on this machine, that ends at about 1,599,000:
          3,200,000 files in all.
          Towards one address on another machine, sockets end at 28,232 for each address
          of this machine (highwater run --bind).

        Most idle sockets, a heartbeat every 20 s from each
                                  sockets  what binds first          and then
          one worker               19,488  20,000 files a process    28,232 ports
          workers, one target      28,232  28,232 ports a target     3,198,000 files
          workers, any target   3,198,000  3,200,000 files in all    4,500,000 CPU
          one node                 19,488  20,000 files a process    3,198,000 files
          nodes                 3,198,000  3,200,000 files in all    4,960,000 memory
          one proxy                 9,744  20,000 files a process    28,232 ports
          proxies               1,120,000  30 GiB of memory left     1,599,000 files
          both ends here        1,599,000  3,200,000 files in all    2,370,000 memory
          As measured, a socket takes 1.5 kB in a worker, 1.1 kB in a node and 4.6 kB in
          the kernel at each end. A proxy is assumed to hold two buffers of 8 KiB.

        What to change
          20,000 files a process. Take more processes, or raise the hard limit where
          highwater is started:
              ulimit -n 1048576                root's shell
              LimitNOFILE=1048576              systemd unit
              --ulimit nofile=1048576:1048576  docker run
          28,232 ports a target. Widen the range to 64,512 ports, or give more addresses
          of this machine (highwater run --bind), or add workers on other machines
          (highwater coordinator), or addresses of the target:
              sysctl -w net.ipv4.ip_local_port_range="1024 65535"
          3,200,000 files in all. Raise the system's limit:
              sysctl -w fs.file-max=4600000
          30 GiB of memory left. Free some, or take a machine with 42.3 GiB available.

        Limits
          open files   20,000 a process (soft 20,000, hard 20,000; fs.nr_open
                       1,048,576). 3,200,000 in all (fs.file-max), 2,000 open now.
          ports        28,232 per source address and target (32768 to 60999). From
                       14,116 on, half of them, the kernel searches long for each free
                       port, and connects of other programs get slow. Workers choose the
                       ports of their sockets themselves.
                       On loopback highwater connects from many addresses of
                       127.0.0.0/8, at most 9,000 sockets from each, so ports are not a
                       limit there.
          accepting    4,096 open sockets may wait to be accepted (net.core.somaxconn),
                       2,048 half-open ones (tcp_max_syn_backlog; SYN cookies beyond).
          conntrack    Not loaded: connections are not tracked.
          memory       30 GiB available of 32 GiB; no limit of the control group.
          TCP buffers  3 GiB for all sockets (tcp_mem), 128 KiB for data that one socket
                       has not read yet (tcp_rmem). An idle socket holds none.
          CPU cores    8 online; no quota of the control group.
          threads      kernel.pid_max 4,194,304, kernel.threads-max 256,000, ulimit -u
                       unlimited, pids.max unlimited.
          mappings     65,530 in a process (vm.max_map_count). Sockets take none; a
                       server with a thread for each socket takes two.
          programs     nginx found, HAProxy found: only scenarios that name one as their
                       balancer need it.
    "#]]
    .assert_eq(&report_text::capacity_text(&machine()));
}

#[test]
fn report_of_a_machine_with_unknown_limits() {
    expect![[r#"
        This machine
          None of its limits is known.

        Most idle sockets, a heartbeat every 20 s from each
                                  sockets  what binds first          and then
          one worker              unknown
          workers, one target     unknown
          workers, any target     unknown
          one node                unknown
          nodes                   unknown
          one proxy               unknown
          proxies                 unknown
          both ends here          unknown
          As measured, a socket takes 1.5 kB in a worker, 1.1 kB in a node and 4.6 kB in
          the kernel at each end. A proxy is assumed to hold two buffers of 8 KiB.
          Unknown, so left out: open files a process, ephemeral ports, open files in
          all, tracked connections, memory, CPU cores, threads.

        Limits
          open files   unknown a process (soft unknown, hard unknown; fs.nr_open
                       unknown). unknown in all (fs.file-max), unknown open now.
          ports        unknown
                       On loopback highwater connects from many addresses of
                       127.0.0.0/8, at most 9,000 sockets from each, so ports are not a
                       limit there.
          accepting    unknown open sockets may wait to be accepted
                       (net.core.somaxconn), unknown half-open ones
                       (tcp_max_syn_backlog; SYN cookies unknown).
          conntrack    unknown connections (nf_conntrack_max), unknown tracked now.
          memory       unknown available of unknown; the control group's limit is
                       unknown.
          TCP buffers  unknown for all sockets (tcp_mem), unknown for data that one
                       socket has not read yet (tcp_rmem). An idle socket holds none.
          CPU cores    unknown online; the control group's quota is unknown.
          threads      kernel.pid_max unknown, kernel.threads-max unknown, ulimit -u
                       unknown, pids.max unknown.
          mappings     unknown in a process (vm.max_map_count). Sockets take none; a
                       server with a thread for each socket takes two.
          programs     nginx unknown, HAProxy unknown: only scenarios that name one as
                       their balancer need it.
    "#]]
    .assert_eq(&report_text::capacity_text(&HostLimits::default()));
}

#[test]
fn report_of_a_scenario_that_fits() {
    let limits = machine();
    let report = PreflightReport::check(&cluster(2, 10_000), &LocalWorkers::default(), &limits);
    expect![[r#"
        cluster fits this machine.

        What it takes
          workers     1: 10,000 sockets, 0 HTTP connections and 512 in reserve; a
                      process may open 20,000 files
          nodes       2: 5,000 sockets each when spread over 2, of 20,000 files
          files       20,000 in all, of 3,198,000 left on the system
          memory      about 130 MiB, of 30 GiB left: 24.3 MiB in workers and
                      coordinator, 18 MiB in nodes and broker, 87.7 MiB in the kernel
    "#]]
    .assert_eq(&report_text::preflight_text("cluster", &report, &limits));
}

#[test]
fn report_of_a_scenario_that_does_not_fit() {
    let limits = machine();
    let report = PreflightReport::check(
        &target("ws://192.0.2.7:8080/ws", 40_000),
        &LocalWorkers::default(),
        &limits,
    );
    expect![[r#"
        target does not fit this machine.
          40,000 connections to 192.0.2.7:8080, and one source address reaches one
          address and port 28,232 times. Widen the range to 64,512 ports, or give more
          addresses of this machine (highwater run --bind), or add workers on other
          machines (highwater coordinator), or addresses of the target:
              sysctl -w net.ipv4.ip_local_port_range="1024 65535"

        What it takes
          workers     3: 13,334 sockets, 0 HTTP connections and 512 in reserve at most,
                      each; a process may open 20,000 files
          nodes       none here: the target runs already
          files       40,000 in all, of 3,198,000 left on the system
          ports       40,000 connections to 192.0.2.7:8080, of 28,232
          memory      about 253 MiB, of 30 GiB left: 77.2 MiB in workers and
                      coordinator, 175 MiB in the kernel
    "#]]
    .assert_eq(&report_text::preflight_text("target", &report, &limits));
}

#[test]
fn no_line_is_wider_than_a_terminal() {
    let mut large = machine();
    large.files.hard = Some(1_000_000_000);
    large.files.nr_open = Some(2_147_483_584);
    large.files.system_max = Some(u64::MAX);
    large.memory.available = Some(24 << 40);
    large.cpus.online = Some(1_024);
    for limits in [machine(), HostLimits::default(), large] {
        for line in report_text::capacity_text(&limits).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
