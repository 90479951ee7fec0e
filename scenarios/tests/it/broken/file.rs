//! The file as a whole: missing parts, text that is not TOML, all problems at once.

use expect_test::expect;

use super::check;
use crate::diagnostics_of;

#[test]
fn empty_file_lists_every_missing_part() {
    expect![[r#"
        broken.toml:1:1: name: missing
          |
        1 | 
          | ^
          = expected: a name of 1 to 64 letters, digits, `-` and `_` that begins with a letter or digit

        broken.toml:1:1: duration: missing
          |
        1 | 
          | ^
          = expected: a duration with its unit (ms, s, m, h, d), from "1s" to "720h"

        broken.toml:1:1: cluster: neither `[cluster]` nor `[target]`
          |
        1 | 
          | ^
          = expected: one of them: a cluster to start, or a system that is running

        broken.toml:1:1: devices: no pool of devices
          |
        1 | 
          | ^
          = expected: at least one `[[devices]]`

        4 problems in broken.toml"#]].assert_eq(&diagnostics_of(""));
}

#[test]
fn all_problems_are_listed_at_once() {
    let text = r#"nmae = "slip"
duration = 30
sede = 7

[cluster]
nodes = 0
policy = "round-robbin"

[[devices]]
name = "two words"
count = "100"
ramp = "200"
heartbeat = "50ms"
max_missed = 0
reconnect = { first = "40s", max = "30s", jiter = "full" }

[[commands]]
users = 5
rate = "5/s"
timeout = "5sec"

[[gates]]
check = "heartbeat.response.p99 <= 50ms"
during = "stedy"
"#;
    expect![[r#"
        broken.toml:1:1: nmae: unknown key
          |
        1 | nmae = "slip"
          | ^^^^
          = expected: `name`, `description`, `seed`, `duration`, `cluster`, `target`, `devices`, `commands`, `messages`, `publish`, `telemetry`, `events`, `gates`, `matrix`
          = hint: did you mean `name`?

        broken.toml:1:1: name: missing
          |
        1 | nmae = "slip"
          | ^
          = expected: a name of 1 to 64 letters, digits, `-` and `_` that begins with a letter or digit

        broken.toml:2:12: duration: a number without its unit
          |
        2 | duration = 30
          |            ^^
          = found: 30
          = expected: a duration with its unit (ms, s, m, h, d), from "1s" to "720h"
          = hint: did you mean "30s"?

        broken.toml:3:1: sede: unknown key
          |
        3 | sede = 7
          | ^^^^
          = expected: `name`, `description`, `seed`, `duration`, `cluster`, `target`, `devices`, `commands`, `messages`, `publish`, `telemetry`, `events`, `gates`, `matrix`
          = hint: did you mean `seed`?

        broken.toml:6:9: cluster.nodes: out of range
          |
        6 | nodes = 0
          |         ^
          = found: 0
          = expected: a whole number from 1 to 200

        broken.toml:7:10: cluster.policy: not one of the values known here
          |
        7 | policy = "round-robbin"
          |          ^^^^^^^^^^^^^^
          = found: "round-robbin"
          = expected: "round-robin" or "least-conn" or "p2c" or "random"
          = hint: did you mean `round-robin`?

        broken.toml:10:8: devices.two words.name: a name with ` ` in it
           |
        10 | name = "two words"
           |        ^^^^^^^^^^^
           = found: "two words"
           = expected: a name of 1 to 64 letters, digits, `-` and `_` that begins with a letter or digit

        broken.toml:11:9: devices.two words.count: text instead of a number
           |
        11 | count = "100"
           |         ^^^^^
           = found: "100"
           = expected: a whole number from 1 to 10_000_000
           = hint: write 100 without quotes

        broken.toml:12:8: devices.two words.ramp: a number without its unit
           |
        12 | ramp = "200"
           |        ^^^^^
           = found: "200"
           = expected: a rate with its unit, such as "200/s" or "12000/min", from "0.001/s" to "1000000/s"
           = hint: did you mean `200/s` or `200/min`?

        broken.toml:13:13: devices.two words.heartbeat: too short
           |
        13 | heartbeat = "50ms"
           |             ^^^^^^
           = found: "50ms"
           = expected: a duration with its unit (ms, s, m, h, d), from "100ms" to "1h"

        broken.toml:14:14: devices.two words.max_missed: out of range
           |
        14 | max_missed = 0
           |              ^
           = found: 0
           = expected: a whole number from 1 to 1_000

        broken.toml:15:23: devices.two words.reconnect.first: the first pause is longer than the longest
           |
        15 | reconnect = { first = "40s", max = "30s", jiter = "full" }
           |                       ^^^^^
           = found: "40s"
           = expected: `first` of at most `max`

        broken.toml:15:43: devices.two words.reconnect.jiter: unknown key
           |
        15 | reconnect = { first = "40s", max = "30s", jiter = "full" }
           |                                           ^^^^^
           = expected: `first`, `max`, `jitter`, `budget`
           = hint: did you mean `jitter`?

        broken.toml:19:8: commands.commands-1.rate: both `users` and `rate`
           |
        19 | rate = "5/s"
           |        ^^^^^
           = found: "5/s"
           = expected: `users` (closed model) or `rate` (open model)
           = hint: write two [[commands]] to have both

        broken.toml:20:11: commands.commands-1.timeout: unknown unit `sec`
           |
        20 | timeout = "5sec"
           |           ^^^^^^
           = found: "5sec"
           = expected: a duration with its unit (ms, s, m, h, d), from "1ms" to "10m"
           = hint: did you mean `5s`?

        broken.toml:23:9: gates[0].check: unknown metric `heartbeat.response.p99`
           |
        23 | check = "heartbeat.response.p99 <= 50ms"
           |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = found: "heartbeat.response.p99 <= 50ms"
           = expected: a metric of `sockets`, `login`, `heartbeats`, `frames`, `commands`, `exchanges`, `messages`, `backplane`, `nodes`, `cpu_cores`, `exits`, `telemetry`, `balance`, `cost_per_socket`, `observe`
           = hint: did you mean `heartbeats.response.p99`?

        broken.toml:24:10: gates[0].during: not one of the values known here
           |
        24 | during = "stedy"
           |          ^^^^^^^
           = found: "stedy"
           = expected: "ramp" or "steady" or "drain" or "run"
           = hint: did you mean `steady`?

        17 problems in broken.toml"#]].assert_eq(&diagnostics_of(text));
}

#[test]
fn syntax_error_hides_missing_keys_only() {
    let text = r#"name = "broken"
duration = "60s
[cluster]
nodes = 2
backplane = "redis"
[[devices]]
count = = 5
ramp = "5/s"
"#;
    expect![[r#"
        broken.toml:2:16: not TOML: invalid basic string, expected `"`
          |
        2 | duration = "60s
          |                ^

        broken.toml:5:13: cluster.backplane: no address of a broker
          |
        5 | backplane = "redis"
          |             ^^^^^^^
          = found: "redis"
          = expected: "local", or the address of a broker: "redis://host:6379", "nats://host:4222", "amqp://host:5672", "sns://host:4566", "dynamodb://host:4566"
          = hint: did you mean "redis://127.0.0.1"?

        broken.toml:7:9: not TOML: extra `=`, expected nothing
          |
        7 | count = = 5
          |         ^

        broken.toml:7:11: not TOML: unexpected key or value, expected newline, `#`
          |
        7 | count = = 5
          |           ^

        4 problems in broken.toml"#]]
    .assert_eq(&diagnostics_of(text));
}

#[test]
fn duplicate_key_is_rejected() {
    check(
        "count = 5\n",
        expect![[r#"
        broken.toml:9:1: not TOML: duplicate key
          |
        9 | count = 5
          | ^^^^^

        1 problem in broken.toml"#]],
    );
}

#[test]
fn list_in_single_brackets_is_explained() {
    let text = "name = \"x\"\nduration = \"1m\"\n[cluster]\n[devices]\ncount = 5\nramp = \"5/s\"\n";
    expect![[r#"
        broken.toml:4:1: devices: not a list of tables
          |
        4 | [devices]
          | ^^^^^^^^^
          = found: a table
          = expected: a list of tables
          = hint: write [[devices]], in double brackets

        1 problem in broken.toml"#]]
    .assert_eq(&diagnostics_of(text));
}

#[test]
fn duplicate_names_are_rejected() {
    let more = r#"
[[devices]]
name = "home"
count = 1
ramp = "1/s"
[[gates]]
name = "a"
check = "sockets.failed == 0"
[[gates]]
name = "a"
check = "sockets.failed == 0"
"#;
    check(
        more,
        expect![[r#"
        broken.toml:11:8: devices.home.name: another pool of devices has this name
           |
        11 | name = "home"
           |        ^^^^^^
           = found: "home"
           = expected: a name of its own

        broken.toml:18:8: gates.a.name: another gate has this name
           |
        18 | name = "a"
           |        ^^^
           = found: "a"
           = expected: a name of its own

        2 problems in broken.toml"#]],
    );
}

#[test]
fn cluster_beside_target_is_rejected() {
    check(
        "[target]\nws = \"ws://host/{device}\"\n",
        expect![[r#"
            broken.toml:9:1: target: both `[cluster]` and `[target]`
              |
            9 | [target]
              | ^^^^^^^^
              = expected: one of them: a cluster to start, or a system that is running

            1 problem in broken.toml"#]],
    );
}

#[test]
fn invisible_characters_are_refused_and_not_printed() {
    let text = "name = \"invisible\"\nduration = \"5s\"\n[target]\nws = \"ws://h/{device}\"\n\
                observe = [{ name = \"n\u{202e}1\", prometheus = \"http://h/m\", \
                sockets_metric = \"open\u{200b}\" }]\n\
                [[devices]]\nname = \"home\"\ncount = 1\nramp = \"1/s\"\n";
    let printed = diagnostics_of(text);
    for problem in [
        r"a name with `\u{202e}` in it",
        r"text with the invisible character `\u{200b}` in it",
    ] {
        assert!(printed.contains(problem), "{printed}");
    }
    assert!(!printed.contains(['\u{202e}', '\u{200b}']), "{printed}");
}

#[test]
fn excerpt_of_a_long_line_is_cut_and_printable() {
    let text = format!("\tname = \"{}\"\u{7}\n", "é".repeat(300));
    expect![[r#"
        broken.toml:1:311: not TOML: unexpected key or value, expected newline, `#`
          |
        1 | ééééééééééééééééééééééééééééééééééééééééééééééééé"�
          |                                                   ^

        1 problem in broken.toml"#]]
    .assert_eq(&diagnostics_of(&text));
}
