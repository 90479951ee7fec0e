//! Problems of `[[gates]]`.

use expect_test::expect;

use super::check;
use crate::diagnostics_of;

#[test]
fn unmeasurable_gates_are_rejected() {
    let more = r#"
[[gates]]
check = "commands.failed == 0"
[[gates]]
check = "sockets.open_at_end == 100"
during = "ramp"
[[gates]]
check = "heartbeats.missed == 0ms"
[[gates]]
check = "cost_per_socket.node_rss <= 4KB"
"#;
    check(
        more,
        expect![[r#"
            broken.toml:11:9: gates[0].check: commands.failed cannot be measured here: the scenario sends no commands
               |
            11 | check = "commands.failed == 0"
               |         ^^^^^^^^^^^^^^^^^^^^^^
               = found: "commands.failed == 0"
               = expected: a scenario with `[[commands]]`

            broken.toml:14:10: gates[1].during: sockets.open_at_end is measured at one moment
               |
            14 | during = "ramp"
               |          ^^^^^^
               = found: "ramp"
               = expected: a gate without `during`

            broken.toml:16:9: gates[2].check: unknown unit `ms` as the limit of heartbeats.missed
               |
            16 | check = "heartbeats.missed == 0ms"
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: "heartbeats.missed == 0ms"
               = expected: a plain number

            broken.toml:18:9: gates[3].check: unknown unit `KB` as the limit of cost_per_socket.node_rss
               |
            18 | check = "cost_per_socket.node_rss <= 4KB"
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: "cost_per_socket.node_rss <= 4KB"
               = expected: a size such as `4KiB`, `1.5MB` or `800B`
               = hint: did you mean `4kB`?

            4 problems in broken.toml"#]],
    );
}

#[test]
fn cross_node_gate_needs_a_second_node() {
    let text = crate::BASE.replace("nodes = 2", "nodes = 1");
    let text = format!(
        "{text}[[commands]]\nusers = 5\n[[gates]]\ncheck = \"commands.cross_node.p99 <= 50ms\"\n"
    );
    expect![[r#"
        broken.toml:12:9: gates[0].check: commands.cross_node.p99 cannot be measured here: with one node no command crosses
           |
        12 | check = "commands.cross_node.p99 <= 50ms"
           |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = found: "commands.cross_node.p99 <= 50ms"
           = expected: two nodes or more

        1 problem in broken.toml"#]].assert_eq(&diagnostics_of(&text));
    let text = format!("{text}[[events]]\nat = \"5s\"\ndo = \"add-node\"\nnode = \"n2\"\n");
    highwater_scenarios::parse("two.toml", &text, &[]).unwrap();
}
