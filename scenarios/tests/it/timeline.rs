//! Events of nodes are possible when their time comes.

use expect_test::{Expect, expect};

/// Returns events from lines of `TIME KIND NODE`, on a cluster of two nodes.
fn events(list: &str) -> String {
    let event = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let more = if words[1] == "fault" {
            "fault = \"stall\"\nduration = \"1s\"\n"
        } else {
            ""
        };
        format!(
            "[[events]]\nat = \"{}\"\ndo = \"{}\"\nnode = \"{}\"\n{more}",
            words[0], words[1], words[2]
        )
    };
    list.lines()
        .filter(|line| !line.trim().is_empty())
        .map(event)
        .collect()
}

fn check_accepted(list: &str) {
    crate::plan_of(&events(list));
}

fn check_rejected(list: &str, expected: Expect) {
    expected.assert_eq(&crate::diagnostics_with(&events(list)));
}

#[test]
fn possible_order_of_events_is_accepted() {
    check_accepted(
        "1s add-node n3
         2s kill-node n3
         3s restart-node n3
         4s pause-node n3
         5s resume-node n3
         6s fault n3
         7s drain-node n3
         8s restart-node n3
         9s restart-node n3
         10s pause-node n1
         11s kill-node n1",
    );
}

#[test]
fn events_are_judged_by_time_not_by_order_in_the_file() {
    check_accepted("9s kill-node n3\n5s add-node n3");
}

#[test]
fn events_of_one_instant_keep_the_order_of_the_file() {
    check_accepted("5s add-node n3\n5s kill-node n3");
    check_rejected(
        "5s kill-node n3\n5s add-node n3",
        expect![[r#"
        broken.toml:12:8: events[0].node: n3 does not exist at that time
           |
        12 | node = "n3"
           |        ^^^^
           = found: "n3"
           = expected: `n1`, `n2`
           = hint: add it before, with do = "add-node"

        1 problem in broken.toml"#]],
    );
}

#[test]
fn plan_has_its_events_by_time() {
    let plan = crate::plan_of(&events("9s kill-node n3\n5s add-node n3"));
    let times: Vec<u64> = plan.events.iter().map(|event| event.at.as_secs()).collect();
    assert_eq!(times, [5, 9]);
}

#[test]
fn event_of_a_missing_node_is_rejected() {
    check_rejected(
        "1s kill-node n3
         2s add-node n2
         3s kill-node n2
         4s kill-node n2
         5s add-node n2
         6s fault n2
         7s drain-node n1
         8s pause-node n1",
        expect![[r#"
            broken.toml:12:8: events[0].node: n3 does not exist at that time
               |
            12 | node = "n3"
               |        ^^^^
               = found: "n3"
               = expected: `n1`, `n2`
               = hint: add it before, with do = "add-node"

            broken.toml:16:8: events[1].node: n2 runs then, from the start
               |
            16 | node = "n2"
               |        ^^^^
               = found: "n2"
               = expected: a new node, such as `n3`

            broken.toml:24:8: events[3].node: n2 is down then, since 3s
               |
            24 | node = "n2"
               |        ^^^^
               = found: "n2"
               = expected: `n1`
               = hint: restart it before, with do = "restart-node"

            broken.toml:28:8: events[4].node: n2 is down then, since 3s
               |
            28 | node = "n2"
               |        ^^^^
               = found: "n2"
               = expected: a new node, such as `n3`
               = hint: restart it before, with do = "restart-node"

            broken.toml:32:8: events[5].node: n2 is down then, since 3s
               |
            32 | node = "n2"
               |        ^^^^
               = found: "n2"
               = expected: `n1`
               = hint: restart it before, with do = "restart-node"

            broken.toml:42:8: events[7].node: n1 was drained then, since 7s
               |
            42 | node = "n1"
               |        ^^^^
               = found: "n1"
               = expected: nothing: "pause-node" is possible for no node then
               = hint: restart it before, with do = "restart-node"

            6 problems in broken.toml"#]],
    );
}

#[test]
fn event_of_a_paused_node_is_rejected() {
    check_rejected(
        "1s resume-node n1
         2s pause-node n1
         3s pause-node n1
         4s restart-node n1
         5s drain-node n1",
        expect![[r#"
            broken.toml:12:8: events[0].node: n1 runs then, from the start
               |
            12 | node = "n1"
               |        ^^^^
               = found: "n1"
               = expected: nothing: "resume-node" is possible for no node then
               = hint: pause it before, with do = "pause-node"

            broken.toml:20:8: events[2].node: n1 is paused then, since 2s
               |
            20 | node = "n1"
               |        ^^^^
               = found: "n1"
               = expected: `n2`
               = hint: resume it before, with do = "resume-node"

            broken.toml:24:8: events[3].node: n1 is paused then, since 2s
               |
            24 | node = "n1"
               |        ^^^^
               = found: "n1"
               = expected: `n2`
               = hint: resume it before, with do = "resume-node"

            broken.toml:28:8: events[4].node: n1 is paused then, since 2s
               |
            28 | node = "n1"
               |        ^^^^
               = found: "n1"
               = expected: `n2`
               = hint: resume it before, with do = "resume-node"

            4 problems in broken.toml"#]],
    );
}
