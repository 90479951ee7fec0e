//! Messages of devices, and commands with requests of the scenario's own.

mod requests;

use std::time::Duration;

use expect_test::{Expect, expect};
use highwater_scenarios::{
    HostResources, Plan, Segment, describe, parse,
    plan::{Dialect, FrameSpec, LoadModel, SystemSpec},
};
use proptest::prelude::*;

/// A target with one pool; tests append further text.
const TARGET: &str = r#"name = "theirs"
duration = "60s"
[target]
ws = "ws://host/ws"
http = "http://host"
[[devices]]
name = "phone"
count = 10
ramp = "5/s"
"#;

fn plan(more: &str) -> Plan {
    parse("theirs.toml", &format!("{TARGET}{more}"), &[])
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn check(more: &str, expected: &Expect) {
    expected.assert_eq(&crate::diagnostics_of(&format!("{TARGET}{more}")));
}

#[test]
fn message_load_resolves_with_its_pool_and_the_plain_dialect() {
    let plan = plan(
        r#"[[messages]]
rate = "20/s"
start = "10s"
send = '["{ref}","shout"]'
expect = { json = { "0" = "{ref}" } }
"#,
    );
    let load = &plan.messages[0];
    assert_eq!(
        (load.name.as_str(), load.pool.as_str()),
        ("messages-1", "phone")
    );
    assert_eq!(load.devices, 10);
    assert_eq!(
        (load.start, load.duration),
        (Duration::from_secs(10), Duration::from_secs(50))
    );
    assert_eq!(
        load.send,
        FrameSpec::Text(r#"["{ref}","shout"]"#.to_owned())
    );
    assert!(matches!(
        load.model,
        LoadModel::Open {
            max_in_flight: 10_000,
            ..
        }
    ));
    assert!(matches!(&plan.system, SystemSpec::Target(target) if target.dialect == Dialect::Plain));
    // Its answers come in the drain.
    assert_eq!(plan.longest_response_wait(), Duration::from_secs(5));
}

#[test]
fn messages_without_a_way_to_their_answers_are_rejected() {
    check(
        r#"[[messages]]
name = "both"
rate = "1/s"
users = 1
pool = "phnoe"
send = "x"
[[messages]]
name = "unsent"
rate = "1/s"
send = "{nonse}"
[[messages]]
name = "unanswerable"
rate = "1/s"
send = "{ref}"
expect = { text = "{nonce}" }
[[messages]]
name = "apart"
rate = "1/s"
send = "{ref}"
expect = { text = "{ref}" }
reject = { text = "no" }
start = "70s"
[[messages]]
name = "crowd"
users = 11
send = "x"
expect = { text = "y" }
"#,
        &expect![[r#"
            broken.toml:12:8: messages.both.rate: both `users` and `rate`
               |
            12 | rate = "1/s"
               |        ^^^^^
               = found: "1/s"
               = expected: `users` (closed model) or `rate` (open model)
               = hint: write two [[messages]] to have both

            broken.toml:14:8: messages.both.pool: no pool of devices has this name
               |
            14 | pool = "phnoe"
               |        ^^^^^^^
               = found: "phnoe"
               = expected: `phone`
               = hint: did you mean `phone`?

            broken.toml:19:8: messages.unsent.send: an unknown placeholder `{nonse}`
               |
            19 | send = "{nonse}"
               |        ^^^^^^^^^
               = found: "{nonse}"
               = expected: `device`, `n`, `ref`, `nonce`, `now_ms`, `worker`
               = hint: did you mean `nonce`?

            broken.toml:24:10: messages.unanswerable.expect: an answer with a `{nonce}` that `send` does not contain
               |
            24 | expect = { text = "{nonce}" }
               |          ^^^^^^^^^^^^^^^^^^^^
               = found: a table
               = expected: `{nonce}` in both

            broken.toml:30:10: messages.apart.reject: `reject` finds its message in another way than `expect`
               |
            30 | reject = { text = "no" }
               |          ^^^^^^^^^^^^^^^
               = found: a table
               = expected: `{ref}`, as in `expect`

            broken.toml:31:9: messages.apart.start: the first message is due after the steady phase
               |
            31 | start = "70s"
               |         ^^^^^
               = found: "70s"
               = expected: a time before its end, "1m" (`duration`)

            broken.toml:34:9: messages.crowd.users: more users than devices, each with one message in flight at most
               |
            34 | users = 11
               |         ^^
               = found: 11
               = expected: at most 10, the devices of phone
               = hint: with `{ref}` or `{nonce}` in `expect` a device has several in flight

            7 problems in broken.toml"#]],
    );
}

#[test]
fn cluster_and_its_dialect_have_no_messages_of_a_scenario() {
    let more =
        "[[messages]]\nrate = \"1/s\"\nsend = \"x\"\n[[commands]]\nusers = 1\nmethod = \"PUT\"\n";
    expect![[r#"
        broken.toml:9:1: messages.messages-1: messages of devices for a cluster that the harness starts
          |
        9 | [[messages]]
          | ^^^^^^^^^^^^
          = expected: a `[target]`
          = hint: the nodes of a `[cluster]` speak their own protocol

        broken.toml:14:10: commands.commands-1.method: requests of a scenario's own for a cluster that the harness starts
           |
        14 | method = "PUT"
           |          ^^^^^
           = expected: a `[target]`
           = hint: the nodes of a `[cluster]` speak their own protocol

        2 problems in broken.toml"#]].assert_eq(&crate::diagnostics_with(more));
    let target = TARGET.replace("http =", "dialect = \"highwater\"\nhttp =");
    let target = target.replace("/ws\"", "/{device}\"");
    expect![[r#"
        broken.toml:5:11: target.dialect: requests of a scenario's own in the highwater dialect
          |
        5 | dialect = "highwater"
          |           ^^^^^^^^^^^
          = found: "highwater"
          = expected: `dialect = "plain"`, or no `dialect`

        broken.toml:5:11: target.dialect: messages of devices in the highwater dialect
          |
        5 | dialect = "highwater"
          |           ^^^^^^^^^^^
          = found: "highwater"
          = expected: `dialect = "plain"`, or no `dialect`

        2 problems in broken.toml"#]]
    .assert_eq(&crate::diagnostics_of(&format!("{target}{more}")));
}

#[test]
fn gates_on_topics_name_the_metrics_of_messages() {
    check(
        r#"[[messages]]
rate = "1/s"
send = "x"
[[gates]]
check = "messages.lost == 0"
[[gates]]
check = "exchanges.answered >= 1"
[[gates]]
check = "exchanges.sent >= 1"
during = "ramp"
"#,
        &expect![[r#"
            broken.toml:14:9: gates[0].check: messages.lost cannot be measured here: the scenario publishes no messages
               |
            14 | check = "messages.lost == 0"
               |         ^^^^^^^^^^^^^^^^^^^^
               = found: "messages.lost == 0"
               = expected: a scenario with `[[publish]]`
               = hint: `[[messages]]` are measured by `exchanges`, such as `exchanges.answered`

            broken.toml:16:9: gates[1].check: exchanges.answered cannot be measured here: no message of a device expects an answer
               |
            16 | check = "exchanges.answered >= 1"
               |         ^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: "exchanges.answered >= 1"
               = expected: `[[messages]]` with `expect`

            broken.toml:19:10: gates[2].during: no messages of devices are due in the ramp phase
               |
            19 | during = "ramp"
               |          ^^^^^^
               = found: "ramp"
               = expected: "steady" or "run"

            3 problems in broken.toml"#]],
    );
}

#[test]
fn description_states_how_answers_find_their_messages() {
    let plan = plan(
        r#"[[messages]]
name = "chat"
rate = "20/s"
send = "{ref}"
expect = { text = "{ref}" }
[[messages]]
name = "poll"
users = 5
start = "10s"
send = "poll"
expect = { prefix = "news" }
[[messages]]
name = "log"
rate = "1/s"
send = { hex = "c0 00" }
"#,
    );
    let host = HostResources {
        files_per_process: 20_000,
        memory: None,
    };
    let text = describe(&plan, &host);
    let from = text.find("Timeline").unwrap();
    let to = text.find("Workers").unwrap();
    expect![[r#"
        Timeline (times from the start of the steady phase)
              ramp  phone opens 10 sockets at 5/s, the last after 1.8s; a heartbeat
                    every 20s
                0s  steady phase of 1m begins
                0s  chat: messages of devices of phone due at 20/s for 1m whatever the
                    answers, at most 10,000 in flight; answers on the same socket,
                    timeout 5s
                0s  log: messages of devices of phone due at 1/s for 1m whatever the
                    answers, at most 10,000 in flight; no answer is awaited
               10s  poll: 5 users for 50s that send by devices of phone and think 5s
                    between an answer and the next message; answers on the same socket,
                    at most one in flight per device, timeout 5s
                1m  drain: 10 sockets closed in order
          About 1m 2s in all, or longer if the ramp falls behind.

        At the peak
             sockets  10
          heartbeats  0.5/s
            commands  none
           exchanges  22/s sent by devices when every answer comes at once

    "#]]
    .assert_eq(&text[from..to]);
}

proptest! {
    /// Workers that hold no device of the pool send none of its messages; the others send all.
    #[test]
    fn workers_with_devices_share_all_messages(devices in 1u64..20, of in 1u32..40) {
        let mut plan = plan("[[messages]]\nrate = \"50/s\"\nsend = \"x\"\nduration = \"3s\"\n");
        let mut load = plan.messages.remove(0);
        load.devices = devices;
        let whole: Vec<_> = load.arrivals(Segment::whole()).collect();
        prop_assert_eq!(whole.len(), 150);
        let mut cut = Vec::new();
        for index in 0..of {
            let segment = Segment::new(index, of).unwrap();
            let Some(part) = load.segment_of(segment) else {
                prop_assert_eq!(segment.share_of(devices), 0);
                continue;
            };
            prop_assert!(segment.share_of(devices) > 0);
            cut.extend(load.arrivals(part));
        }
        cut.sort();
        prop_assert_eq!(cut, whole);
    }
}
