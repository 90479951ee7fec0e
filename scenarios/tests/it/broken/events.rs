//! Problems of `[[events]]`.

use expect_test::expect;

use super::check;

#[test]
fn times_after_the_steady_phase_are_rejected() {
    let more = r#"start = "60s"
[[events]]
at = "2m"
do = "kill-node"
node = "n1"
"#;
    check(
        more,
        expect![[r#"
        broken.toml:9:9: devices.home.start: the pool starts after the steady phase
          |
        9 | start = "60s"
          |         ^^^^^
          = found: "60s"
          = expected: a time before its end, "1m" (`duration`)

        broken.toml:11:6: events[0].at: the event comes after the steady phase
           |
        11 | at = "2m"
           |      ^^^^
           = found: "2m"
           = expected: a time before its end, "1m" (`duration`)

        2 problems in broken.toml"#]],
    );
}

#[test]
fn incomplete_fault_is_rejected() {
    let more = r#"
[[events]]
at = "5s"
do = "fault"
node = "n1"
fault = "stal"
[[events]]
at = "6s"
do = "kill-node"
node = "node1"
duration = "5s"
"#;
    check(
        more,
        expect![[r#"
            broken.toml:10:1: events[0].duration: missing from this fault
               |
            10 | [[events]]
               | ^^^^^^^^^^
               = expected: a duration with its unit (ms, s, m, h, d), from "1ms" to "10m"

            broken.toml:14:9: events[0].fault: not one of the values known here
               |
            14 | fault = "stal"
               |         ^^^^^^
               = found: "stal"
               = expected: "stall" or "ignore-pings" or "drop-messages" or "duplicate-messages" or "reorder-messages"
               = hint: did you mean `stall`?

            broken.toml:18:8: events[1].node: not a node's name
               |
            18 | node = "node1"
               |        ^^^^^^^
               = found: "node1"
               = expected: a node's name: "n1", "n2", … up to "n9999"

            broken.toml:19:12: events[1].duration: only a fault has this key
               |
            19 | duration = "5s"
               |            ^^^^
               = found: "5s"
               = expected: `fault` and its size beside `do = "fault"`

            4 problems in broken.toml"#]],
    );
}

#[test]
fn consumer_event_names_an_existing_consumer() {
    check(
        r#"[[events]]
at = "1s"
do = "kill-consumer"
node = "n1"
[[events]]
at = "2s"
do = "restart-consumer"
consumer = "c1"
"#,
        expect![[r#"
            broken.toml:9:1: events[0].consumer: missing
              |
            9 | [[events]]
              | ^^^^^^^^^^
              = expected: a consumer's name: "c1", "c2", … up to "c99"

            broken.toml:12:8: events[0].node: this event is for another kind of process
               |
            12 | node = "n1"
               |        ^^^^
               = found: "n1"
               = expected: `consumer` in its place

            broken.toml:16:12: events[1].consumer: there is no such consumer
               |
            16 | consumer = "c1"
               |            ^^^^
               = found: "c1"
               = expected: an event of a consumer with `consumers` in `[cluster]`

            3 problems in broken.toml"#]],
    );
}
