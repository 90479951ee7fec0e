//! Frames that a pool declares.

use expect_test::{Expect, expect};
use highwater_scenarios::{
    Plan, parse,
    plan::{
        Dialect, FrameSpec, HeartbeatFrames, JsonExpectation, MatchSpec, PoolFrames, SystemSpec,
        TakeSource,
    },
};

const TARGET: &str = r#"name = "theirs"
duration = "60s"
[target]
ws = "ws://host/ws"
[[devices]]
name = "phone"
count = 10
ramp = "5/s"
"#;

fn set(frames: &str, sets: &[&str]) -> Plan {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    parse("theirs.toml", &format!("{TARGET}{frames}"), &sets)
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn frames(text: &str) -> PoolFrames {
    let pool = set(text, &[]).devices.remove(0);
    *pool.frames.expect("the pool declares frames")
}

fn dialect(plan: &Plan) -> Dialect {
    match &plan.system {
        SystemSpec::Target(target) => target.dialect,
        SystemSpec::Cluster(_) => panic!("a cluster"),
    }
}

fn check_rejected(frames: &str, expected: Expect) {
    expected.assert_eq(&crate::diagnostics_of(&format!("{TARGET}{frames}")));
}

#[test]
fn frames_are_read_into_the_plan() {
    let frames = frames(
        r#"separator = "\u001e"
        open = [{ send = "hello {n}", expect = { json = { type = "ready", data = { ok = true, v = 1 } } },
                  take = { sid = "json:/sid", id = "regex:id=([0-9]+)" } }]
        answer = [{ to = { prefix = "2" }, send = { hex = "d0 00" } }]
        heartbeat = { every = "5s", send = "ping {sid}", expect = { regex = "^pong" } }
        count_messages = { hex = "01" }
        close = ["bye", { hex = "ff" }]
        "#,
    );
    assert_eq!(frames.separator.as_deref(), Some("\u{1e}"));
    let step = &frames.open[0];
    assert_eq!(step.send, Some(FrameSpec::Text("hello {n}".to_owned())));
    assert_eq!(step.within.as_secs(), 5);
    let json = [
        ("type", JsonExpectation::Text("ready".to_owned())),
        ("data.ok", JsonExpectation::Boolean(true)),
        ("data.v", JsonExpectation::Integer(1)),
    ];
    let json = json.map(|(path, expected)| (path.to_owned(), expected));
    assert_eq!(step.expect, Some(MatchSpec::Json(json.into())));
    let from: Vec<_> = step.take.iter().map(|take| take.from.clone()).collect();
    assert_eq!(
        from,
        [
            TakeSource::Json("/sid".to_owned()),
            TakeSource::Regex("id=([0-9]+)".to_owned())
        ]
    );
    assert_eq!(frames.answer[0].send, FrameSpec::Hex("d0 00".to_owned()));
    assert_eq!(
        frames.heartbeat,
        Some(HeartbeatFrames::Send {
            send: FrameSpec::Text("ping {sid}".to_owned()),
            expect: Some(MatchSpec::Regex("^pong".to_owned())),
        })
    );
    assert_eq!(frames.close.len(), 2);
}

#[test]
fn dialect_is_plain_where_a_pool_declares_frames() {
    assert_eq!(dialect(&set("close = [\"bye\"]", &[])), Dialect::Plain);
    let text = TARGET.replace("/ws\"", "/{device}\"");
    let plan = parse("theirs.toml", &text, &[]).unwrap();
    assert_eq!(dialect(&plan), Dialect::Highwater);
    assert_eq!(plan.devices[0].frames, None);
}

#[test]
fn heartbeat_is_set_in_both_forms() {
    let table = "heartbeat = { every = \"5s\", send = \"ping\" }";
    let plan = set(table, &[]);
    assert_eq!(plan.devices[0].heartbeat.as_secs(), 5);
    let plan = set(table, &["devices.phone.heartbeat.every=7s"]);
    assert_eq!(plan.devices[0].heartbeat.as_secs(), 7);
    assert!(plan.devices[0].frames.is_some());
    let plan = set(
        "",
        &["devices.phone.heartbeat={ every = \"9s\", watch = { text = \"2\" } }"],
    );
    assert_eq!(plan.devices[0].heartbeat.as_secs(), 9);
    let plan = set(
        table,
        &["devices.phone.heartbeat=8s", "target.dialect=plain"],
    );
    assert_eq!(plan.devices[0].heartbeat.as_secs(), 8);
    assert_eq!(plan.devices[0].frames, None);
}

#[test]
fn plan_of_an_earlier_version_has_no_frames() {
    let plan = set("close = [\"bye\"]", &[]);
    let mut value = serde_json::to_value(&plan.devices[0]).unwrap();
    let again: highwater_scenarios::plan::DevicePool =
        serde_json::from_value(value.clone()).unwrap();
    assert_eq!(again, plan.devices[0]);
    value.as_object_mut().unwrap().remove("frames");
    let earlier: highwater_scenarios::plan::DevicePool = serde_json::from_value(value).unwrap();
    assert_eq!(earlier.frames, None);
}

#[test]
fn problems_of_frames_have_their_places() {
    check_rejected(
        r#"open = [
    { send = "hello {devise}", take = { sid = "json:/sid" } },
    { within = "1s" },
    { send = "{later}", expect = { text = "a", prefix = "b" } },
]
answer = [{ to = { regex = "(" }, send = { hex = "c" } }]
heartbeat = { every = "1s", expect = { json = { "a..b" = 1 } } }
count_messages = { jsn = { a = 1 } }
close = []
"#,
        expect![[r#"
            broken.toml:10:14: devices.phone.open[0].send: an unknown placeholder `{devise}`
               |
            10 |     { send = "hello {devise}", take = { sid = "json:/sid" } },
               |              ^^^^^^^^^^^^^^^^
               = found: "hello {devise}"
               = expected: `device`, `n`, `ref`, `nonce`, `now_ms`, `worker`
               = hint: did you mean `device`?

            broken.toml:10:39: devices.phone.open[0].take: `take` without a frame to wait for
               |
            10 |     { send = "hello {devise}", take = { sid = "json:/sid" } },
               |                                       ^^^^^^^^^^^^^^^^^^^^^
               = found: a table
               = expected: `take` beside `expect`

            broken.toml:11:5: devices.phone.open[1]: a step that neither sends nor waits
               |
            11 |     { within = "1s" },
               |     ^^^^^^^^^^^^^^^^^
               = expected: `send`, `expect`, or both

            broken.toml:11:16: devices.phone.open[1].within: `within` without a frame to wait for
               |
            11 |     { within = "1s" },
               |                ^^^^
               = found: "1s"
               = expected: `within` beside `expect`

            broken.toml:12:14: devices.phone.open[2].send: an unknown placeholder `{later}`
               |
            12 |     { send = "{later}", expect = { text = "a", prefix = "b" } },
               |              ^^^^^^^^^
               = found: "{later}"
               = expected: `device`, `n`, `ref`, `nonce`, `now_ms`, `worker`, `sid`
               = hint: the text itself is written `{{later}`

            broken.toml:12:34: devices.phone.open[2].expect: both `text` and `prefix`
               |
            12 |     { send = "{later}", expect = { text = "a", prefix = "b" } },
               |                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: a table
               = expected: a table with one of `text`, `prefix`, `json`, `hex`, `regex`, `mqtt`, such as { json = { type = "pong" } }
               = hint: one test may look at several values of `json`

            broken.toml:14:18: devices.phone.answer[0].to: an invalid regular expression: unclosed group
               |
            14 | answer = [{ to = { regex = "(" }, send = { hex = "c" } }]
               |                  ^^^^^^^^^^^^^^^
               = found: a table

            broken.toml:14:42: devices.phone.answer[0].send: `c` is not bytes
               |
            14 | answer = [{ to = { regex = "(" }, send = { hex = "c" } }]
               |                                          ^^^^^^^^^^^^^
               = found: a table
               = expected: pairs of hexadecimal digits, such as "c0 00"

            broken.toml:15:38: devices.phone.heartbeat.expect: an answer without the frame that it answers
               |
            15 | heartbeat = { every = "1s", expect = { json = { "a..b" = 1 } } }
               |                                      ^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: a table
               = expected: `expect` beside `send`
               = hint: `watch` is for a server that sends by itself

            broken.toml:16:18: devices.phone.count_messages: an unknown test `jsn`
               |
            16 | count_messages = { jsn = { a = 1 } }
               |                  ^^^^^^^^^^^^^^^^^^^
               = found: a table
               = expected: a table with one of `text`, `prefix`, `json`, `hex`, `regex`, `mqtt`, such as { json = { type = "pong" } }
               = hint: did you mean `json`?

            broken.toml:17:9: devices.phone.close: an empty list
               |
            17 | close = []
               |         ^^
               = found: an empty list
               = expected: a list of up to 16 frames, each text in quotes, bytes such as { hex = "c0 00" }, or a packet such as { mqtt = "pingreq" }

            11 problems in broken.toml"#]],
    );
    check_rejected(
        r#"open = [
    { send = "hello {devise}" },
    { send = "x", expect = { json = { "a..b" = 1 } }, take = { later = "regex:abc", c = "cookie:c" } },
]
answer = [{ to = { regex = "(" }, send = { hex = "c" } }]
heartbeat = { every = "1s", send = "{later}", watch = { text = "{soon}" } }
"#,
        expect![[r#"
            broken.toml:10:14: devices.phone.open[0].send: an unknown placeholder `{devise}`
               |
            10 |     { send = "hello {devise}" },
               |              ^^^^^^^^^^^^^^^^
               = found: "hello {devise}"
               = expected: `device`, `n`, `ref`, `nonce`, `now_ms`, `worker`
               = hint: did you mean `device`?

            broken.toml:11:28: devices.phone.open[1].expect: `a..b` has an empty name
               |
            11 |     { send = "x", expect = { json = { "a..b" = 1 } }, take = { later = "regex:abc", c = "cookie:c" }
               |                            ^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: a table
               = expected: names with dots between them, such as `4.status`, or `/4/status`

            broken.toml:11:62: devices.phone.open[1].take: a regular expression without a group
               |
            11 |     { send = "x", expect = { json = { "a..b" = 1 } }, take = { later = "regex:abc", c = "cookie:c" }
               |                                                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: a table
               = hint: put brackets around the value: `regex:id=([0-9]+)`

            broken.toml:11:62: devices.phone.open[1].take: a frame has no cookies and no header fields for `c`
               |
            11 |     { send = "x", expect = { json = { "a..b" = 1 } }, take = { later = "regex:abc", c = "cookie:c" }
               |                                                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: a table
               = expected: `json:PATH` or `regex:EXPRESSION`

            broken.toml:13:18: devices.phone.answer[0].to: an invalid regular expression: unclosed group
               |
            13 | answer = [{ to = { regex = "(" }, send = { hex = "c" } }]
               |                  ^^^^^^^^^^^^^^^
               = found: a table

            broken.toml:13:42: devices.phone.answer[0].send: `c` is not bytes
               |
            13 | answer = [{ to = { regex = "(" }, send = { hex = "c" } }]
               |                                          ^^^^^^^^^^^^^
               = found: a table
               = expected: pairs of hexadecimal digits, such as "c0 00"

            broken.toml:14:55: devices.phone.heartbeat.watch: both `send` and `watch`
               |
            14 | heartbeat = { every = "1s", send = "{later}", watch = { text = "{soon}" } }
               |                                                       ^^^^^^^^^^^^^^^^^^^
               = found: a table
               = expected: `send` (the socket sends) or `watch` (the server sends)

            7 problems in broken.toml"#]],
    );
}

#[test]
fn frames_need_a_target_of_the_plain_dialect() {
    let cluster = TARGET.replace("[target]\nws = \"ws://host/ws\"", "[cluster]");
    expect![[r#"
        broken.toml:8:13: devices.phone.heartbeat: frames for a cluster that the harness starts
          |
        8 | heartbeat = { every = "5s", send = "ping" }
          |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          = expected: frames with a `[target]`
          = hint: the nodes of a `[cluster]` speak their own protocol

        1 problem in broken.toml"#]]
    .assert_eq(&crate::diagnostics_of(&format!(
        "{cluster}heartbeat = {{ every = \"5s\", send = \"ping\" }}"
    )));
    let highwater = TARGET.replace("/ws\"", "/{device}\"\ndialect = \"highwater\"");
    expect![[r#"
        broken.toml:5:11: target.dialect: frames in the highwater dialect
          |
        5 | dialect = "highwater"
          |           ^^^^^^^^^^^
          = found: "highwater"
          = expected: `dialect = "plain"`, or no `dialect`
          = hint: a pool declares frames of its own

        1 problem in broken.toml"#]]
    .assert_eq(&crate::diagnostics_of(&format!(
        "{highwater}close = [\"bye\"]"
    )));
}

#[test]
fn lists_of_frames_are_bounded() {
    let steps = "{ send = \"x\" },".repeat(17);
    let answers = "{ to = { text = \"x\" }, send = \"y\" },".repeat(33);
    check_rejected(
        &format!("open = [{steps}]\nanswer = [{answers}]\n"),
        expect![[r#"
            broken.toml:9:8: devices.phone.open: 17 steps
              |
            9 | open = [{ send = "x" },{ send = "x" },{ send = "x" },{ send = "x" },{ send = "x" },{ send = "x" },{ 
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              = found: a list
              = expected: at most 16

            broken.toml:10:10: devices.phone.answer: 33 answers
               |
            10 | answer = [{ to = { text = "x" }, send = "y" },{ to = { text = "x" }, send = "y" },{ to = { text = "x
               |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = found: a list
               = expected: at most 32

            2 problems in broken.toml"#]],
    );
}

#[test]
fn description_names_the_frames_without_their_text() {
    use highwater_scenarios::{HostResources, describe};
    let host = HostResources {
        files_per_process: 1_024,
        memory: None,
    };
    let plan = set(
        r#"open = [{ send = "s3cr3t" }]
        heartbeat = { every = "5s", send = "s3cr3t", expect = { text = "pong" } }
        close = ["s3cr3t"]"#,
        &[],
    );
    let page = describe(&plan, &host);
    assert!(!page.contains("s3cr3t"));
    let line = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        line.contains(
            "a frame as heartbeat every 5s, with an answer; frames: 1 opening step, 1 closing frame"
        ),
        "{page}"
    );
}
