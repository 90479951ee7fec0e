//! Targets: systems that are already running.

mod addresses;
mod observe;
mod proxy;
mod requests;
mod tls;

use expect_test::{Expect, expect};
use highwater_scenarios::{
    parse,
    plan::{Plan, SystemSpec, TargetSpec},
};

/// The one pool of these scenarios.
const DEVICES: &str = "[[devices]]\ncount = 10\nramp = \"5/s\"\n";

/// Returns a scenario with these lines in `[target]`, and more text behind.
fn scenario_text(target: &str, more: &str) -> String {
    format!("name = \"theirs\"\nduration = \"60s\"\n[target]\n{target}\n{DEVICES}{more}")
}

fn plan(target: &str, more: &str) -> Plan {
    parse("theirs.toml", &scenario_text(target, more), &[])
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn target(target: &str) -> TargetSpec {
    match plan(target, "").system {
        SystemSpec::Target(target) => target,
        SystemSpec::Cluster(_) => panic!("a cluster"),
    }
}

fn check_rejected(target: &str, more: &str, expected: Expect) {
    expected.assert_eq(&crate::diagnostics_of(&scenario_text(target, more)));
}

#[test]
fn parts_that_need_a_cluster_are_rejected() {
    let more = r#"
[[commands]]
users = 5
[[events]]
at = "5s"
do = "kill-node"
node = "n1"
[[gates]]
check = "balance.jain_at_end >= 0.9"
[[gates]]
check = "cost_per_socket.node_heap <= 3KiB"
[[gates]]
check = "cost_per_socket.node_rss <= 4KiB"
[[gates]]
check = "commands.same_node.p99 <= 5ms"
"#;
    check_rejected(
        "ws = \"ws://h\"\ndialect = \"plain\"",
        more,
        expect![[r#"
            broken.toml:3:1: target.http: commands have no address to go to
              |
            3 | [target]
              | ^^^^^^^^
              = expected: `http = "http://host:port"` beside `ws`

            broken.toml:12:1: events[0]: an event on a system that the harness did not start
               |
            12 | [[events]]
               | ^^^^^^^^^^
               = expected: events with a `[cluster]`

            broken.toml:17:9: gates[0].check: balance.jain_at_end cannot be measured here: no endpoint of a node is observed
               |
            17 | check = "balance.jain_at_end >= 0.9"
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: "balance.jain_at_end >= 0.9"
               = expected: a `[cluster]`, or `observe` with its `prometheus`

            broken.toml:19:9: gates[1].check: cost_per_socket.node_heap cannot be measured here: no endpoint of a node is observed
               |
            19 | check = "cost_per_socket.node_heap <= 3KiB"
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: "cost_per_socket.node_heap <= 3KiB"
               = expected: a `[cluster]`, or `observe` with its `prometheus`

            broken.toml:21:9: gates[2].check: cost_per_socket.node_rss cannot be measured here: no process of a node is observed
               |
            21 | check = "cost_per_socket.node_rss <= 4KiB"
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: "cost_per_socket.node_rss <= 4KiB"
               = expected: a `[cluster]`, or `observe`

            broken.toml:23:9: gates[3].check: commands.same_node.p99 cannot be measured here: in the plain dialect no answer says which node owned the socket
               |
            23 | check = "commands.same_node.p99 <= 5ms"
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: "commands.same_node.p99 <= 5ms"
               = expected: `dialect = "highwater"`

            6 problems in broken.toml"#]],
    );
}
