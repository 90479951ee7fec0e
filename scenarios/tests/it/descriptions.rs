//! The description of a plan, as `highwater check` prints it.

use expect_test::expect;
use highwater_scenarios::{HostResources, MemoryEstimate, Plan};

/// Returns the description for a machine of which only the limit of open files is known.
fn describe(plan: &Plan, files_per_process: u64) -> String {
    let host = HostResources {
        files_per_process,
        memory: None,
    };
    highwater_scenarios::describe(plan, &host)
}

const EVERYTHING: &str = r#"
[[devices]]
name = "late"
start = "40s"
count = 20000
ramp = "1000/s"
heartbeat = "500ms"

[[commands]]
name = "read"
users = 500
think = "5s"

[[commands]]
name = "set"
rate = "90/min"
reply = "sse"

[[events]]
at = "30s"
do = "kill-node"
node = "n2"

[[events]]
at = "20s"
do = "add-node"
node = "n3"

[[events]]
at = "35s"
do = "fault"
fault = "ignore-pings"
duration = "1.5s"
node = "n1"

[[gates]]
name = "p99"
check = "heartbeats.response.p99 <= 50ms"
during = "steady"

[[gates]]
check = "commands.failed == 0"
"#;

#[test]
fn scenario_with_everything_is_described() {
    let plan = crate::plan_of(EVERYTHING);
    expect![[r#"
        base
          Seed 1.

                  ramp  steady                                                     drain
          home    ▁▂▄▅▆████████████████████████████████████████████████████████████▆▅▄▂▁
          late                                                 ▁▁▁▁▁▂▂▃▃▃▄▄▅▅▅▆▆▇▇█▆▅▄▂▁
          read          ───────────────────────────────────────────────────────────
          set           ───────────────────────────────────────────────────────────
          events                           ▲n3       ▲n2  ▲n1
                  ├─────┼──────────────────┴─────────┴────┴────┴───────────────────┼───┤
                  -2s   0s                 20s       30s  35s  40s                 1m

        System
          A cluster of 2 nodes (n1, n2) on this machine, started for the run: backplane
          local, balancer none, policy round-robin, commands routed by directory.

        Timeline (times from the start of the steady phase)
              ramp  home opens 100 sockets at 50/s, the last after 2s; a heartbeat every
                    20s
                0s  steady phase of 1m begins
                    read: 500 users that think 5s between a reply and the next command,
                    started spread over that time; reply in the response, timeout 5s
                    set: commands due at 1.5/s whatever the answers, at most 10,000 in
                    flight; reply on an event stream, timeout 5s
               20s  n3 is added
               30s  n2 is killed without notice
               35s  n1 answers no heartbeat for 1.5s
               40s  late opens 20,000 sockets at 1,000/s, the last after 20s; a
                    heartbeat every 500ms
                1m  drain: 20,100 sockets closed in order
          About 1m 2s in all, or longer if the ramp falls behind.

        At the peak
             sockets  20,100: 100 from the ramp, 20,000 opened later
          heartbeats  40,005/s
            commands  102/s when every reply comes at once

        Workers
          2 workers, each with at most 10,050 sockets, 254 HTTP connections and 512 in
          reserve: 10,816 of 20,000 open files.

        Nodes
          Spread evenly over 2 nodes, each holds 10,050 sockets and as many open files;
          it may open 20,000.

        Gates
          p99: heartbeats.response.p99 <= 50ms (during steady)
          commands.failed == 0
    "#]]
    .assert_eq(&describe(&plan, 20_000));
}

#[test]
fn smallest_scenario_is_described() {
    expect![[r#"
        base
          Seed 1.

                  ramp  steady                                                     drain
          home    ▁▂▄▅▆████████████████████████████████████████████████████████████▆▅▄▂▁
                  ├─────┼──────────────────────────────────────────────────────────┼───┤
                  -2s   0s                                                         1m

        System
          A cluster of 2 nodes (n1, n2) on this machine, started for the run: backplane
          local, balancer none, policy round-robin, commands routed by directory.

        Timeline (times from the start of the steady phase)
              ramp  home opens 100 sockets at 50/s, the last after 2s; a heartbeat every
                    20s
                0s  steady phase of 1m begins
                1m  drain: 100 sockets closed in order
          About 1m 2s in all, or longer if the ramp falls behind.

        At the peak
             sockets  100
          heartbeats  5/s
            commands  none

        Workers
          1 worker with 100 sockets, 0 HTTP connections and 512 in reserve: 612 of 1,024
          open files.

        Nodes
          Spread evenly over 2 nodes, each holds 50 sockets and as many open files; it
          may open 1,024.

        Gates
          None: the run only measures.
    "#]]
    .assert_eq(&describe(&crate::plan_of(""), 1_024));
}

#[test]
fn target_is_described() {
    let text = r#"
name = "theirs"
description = "How many sockets does the staging system hold before heartbeats are late, and what does each of them cost it?"
duration = "1h"
[target]
ws = "ws://staging.example:8080/socket"
dialect = "plain"
observe = [{ name = "n1", prometheus = "http://staging.example:9090/metrics" }]
[[devices]]
start = "5m"
count = 1000
ramp = "1/s"
"#;
    let plan = highwater_scenarios::parse("theirs.toml", text, &[]).unwrap();
    expect![[r#"
        theirs
          How many sockets does the staging system hold before heartbeats are late, and
          what does each of them cost it?
          Seed 1.

                     steady                                                        drain
          devices-1       ▁▁▁▁▂▂▃▃▄▄▅▅▅▆▆▇▇████████████████████████████████████████▆▅▄▂▁
                     ├────┴────────────────────────────────────────────────────────┼───┤
                     0s   5m                                                       1h

        System
          A system that is running: sockets to ws://staging.example:8080/socket; dialect
          plain; 1 process of it is observed.

        Timeline (times from the start of the steady phase)
              ramp  nothing: every pool has a start of its own
                0s  steady phase of 1h begins
                5m  devices-1 opens 1,000 sockets at 1/s, the last after 16m 39s; a
                    heartbeat every 20s
                1h  drain: 1,000 sockets closed in order
          About 1h in all, or longer if the ramp falls behind.

        At the peak
             sockets  1,000: 0 from the ramp, 1,000 opened later
          heartbeats  50/s
            commands  none

        Workers
          1 worker with 1,000 sockets, 0 HTTP connections and 512 in reserve: 1,512 of
          20,000 open files.

        Gates
          None: the run only measures.
    "#]]
    .assert_eq(&describe(&plan, 20_000));
}

#[test]
fn users_without_think_time_have_no_rate() {
    let page = describe(
        &crate::plan_of("[[commands]]\nusers = 5\nthink = \"0s\""),
        1_024,
    );
    assert!(page.contains("as many as the system answers"), "{page}");
}

#[test]
fn too_many_sockets_for_a_node_are_named() {
    let sets = ["cluster.nodes=1", "devices.home.count=20000"].map(str::to_owned);
    let plan = highwater_scenarios::parse("base.toml", crate::BASE, &sets).unwrap();
    let page = describe(&plan, 20_000);
    assert!(page.contains("The node holds 20,000 sockets"), "{page}");
    assert!(page.contains("more than a node may open"), "{page}");
    assert!(
        page.contains("2 workers, each with at most 10,000 sockets"),
        "{page}"
    );
}

#[test]
fn memory_estimate_is_described() {
    let memory = MemoryEstimate {
        workers_bytes: 20 << 20,
        tracking_bytes: 5 << 20,
        nodes_bytes: 0,
        balancers_bytes: 0,
        kernel_bytes: 470_000,
        available_bytes: None,
    };
    let host = HostResources {
        files_per_process: 20_000,
        memory: Some(memory),
    };
    let page = highwater_scenarios::describe(&crate::plan_of(""), &host);
    let from = page.find("Memory\n").expect("a section");
    expect![[r#"
        Memory
          About 20.4 MiB here: 20 MiB in workers and coordinator (5 MiB of it to follow
          messages and telemetry records), 459 KiB in the kernel; the available memory
          is unknown.

    "#]]
    .assert_eq(&page[from..page.find("Gates").expect("a section")]);
}

#[test]
fn chart_cuts_long_names_and_crowded_marks() {
    let text = r#"
name = "crowded"
duration = "10s"
[cluster]
nodes = 3
[[devices]]
name = "thermostats-of-the-northern-district"
start = "9900ms"
count = 1000
ramp = "1000/s"
[[devices]]
name = "slow"
count = 100
ramp = "1/s"
[[events]]
at = "5s"
do = "pause-node"
node = "n1"
[[events]]
at = "5100ms"
do = "resume-node"
node = "n1"
[[events]]
at = "5500ms"
do = "kill-node"
node = "n2"
[[events]]
at = "9950ms"
do = "kill-node"
node = "n3"
"#;
    let plan = highwater_scenarios::parse("crowded.toml", text, &[]);
    let plan = plan.unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    let page = describe(&plan, 20_000);
    let to = page.find("System\n").expect("a section");
    expect![[r#"
        crowded
          Seed 1.

                            ramp                    steady                         drain
          thermostats-of-…                                                        ▁▁▁▁▁▁
          slow              ▁▁▁▁▁▂▂▂▃▃▃▄▄▄▅▅▅▆▆▆▇▇▇████████████████████████████████▆▅▄▂▁
          events                                                   ▲ ▲n2          ▲n3
                            ├───────────────────────┼──────────────┴─┴────────────┴┼───┤
                            -1m 39s                 0s             5s              10s

    "#]]
    .assert_eq(&page[..to]);
}
