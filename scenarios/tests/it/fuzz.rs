//! Reading any text ends in a plan or a list of problems, never in a panic.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use highwater_scenarios::{GateCheck, fuzzing};
use proptest::prelude::*;

replay::replay_seeds!(fuzzing: data_files, frames, metric_selector, mqtt_packets, scenario);

/// Returns text that looks enough like a scenario to get past the first error.
fn scenario_like_text() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "name",
        "duration",
        "seed",
        "nodes",
        "count",
        "ramp",
        "start",
        "heartbeat",
        "users",
        "rate",
        "think",
        "at",
        "do",
        "node",
        "fault",
        "duration",
        "check",
        "during",
        "ws",
        "http",
        "observe",
        "reconnect",
        "open",
        "answer",
        "send",
        "expect",
        "watch",
        "close",
        "devices",
        "cluster",
        "max_missed",
        "max_in_flight",
        "path",
        "reply",
        "dialect",
        "pid",
        "naem",
        "topic",
        "topics",
        "pool",
        "subscribers",
        "publishers",
        "from",
        "size",
        "balancer",
        "policy",
        "join",
        "balancers",
        "max_age",
        "tolerance",
        "repeat",
        "data",
        "login",
        "post",
        "json",
        "take",
        "headers",
    ]);
    let value = prop::sample::select(vec![
        "\"20s\"",
        "\"99999999h\"",
        "\"0ms\"",
        "\"200/s\"",
        "\"1e9/s\"",
        "5000",
        "0",
        "-1",
        "99999999999999999999",
        "1.5",
        "true",
        "[]",
        "{}",
        "[{}]",
        "\"n3\"",
        "\"kill-node\"",
        "\"128B\"",
        "\"5%\"",
        "\"p2c\"",
        "\"nginx\"",
        "\"rebalance\"",
        "[\"p2c\", \"least-conn\"]",
        "[\"gateway\", 3, []]",
        "\"device\"",
        "\"chat-{n}\"",
        "\"fault\"",
        "\"stall\"",
        "\"ws://h/{device}\"",
        "\"\"",
        "\"home\"",
        "\"commands.failed == 0\"",
        "\"heartbeats.p99 <= 5\"",
        "\"plain\"",
        "2026-01-01",
        "{ first = \"9s\", max = \"1s\" }",
        "[{ name = \"n1\", pid = 1 }]",
        "\"\u{e9}\u{1f600}\"",
        "'''",
        "\"",
    ]);
    let line = prop_oneof![
        8 => (key, value).prop_map(|(key, value)| format!("{key} = {value}")),
        3 => prop::sample::select(vec!["[cluster]", "[target]", "[[devices]]", "[[commands]]", "[[events]]", "[[publish]]",
            "[[gates]]", "[devices]", "[[cluster]]", "[[target.observe]]"]).prop_map(str::to_owned),
        1 => "\\PC{0,30}",
    ];
    prop::collection::vec(line, 0..25).prop_map(|lines| lines.join("\n"))
}

fn check_parse(text: &str, sets: &[String]) {
    if let Some(page) = fuzzing::describe_or_reject(text, sets) {
        let fits = |line: &str| line.chars().count() <= 80;
        assert!(page.lines().all(fits), "{page}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_text_is_read_or_rejected(text in "\\PC{0,400}") {
        check_parse(&text, &[]);
    }

    #[test]
    fn any_bytes_are_read_or_rejected(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_parse(&String::from_utf8_lossy(&bytes), &[]);
    }

    #[test]
    fn scenario_like_text_is_read_or_rejected(text in scenario_like_text()) {
        check_parse(&text, &[]);
        check_parse(&format!("{}{text}", crate::BASE), &[]);
    }

    #[test]
    fn any_set_argument_is_read_or_rejected(sets in prop::collection::vec("([a-z]{1,9}\\.){0,3}[a-z]{1,9}=\\PC{0,20}|\\PC{0,20}", 0..4)) {
        check_parse(crate::BASE, &sets);
    }

    #[test]
    fn any_check_is_parsed_or_rejected(text in "\\PC{0,40}|[a-z]{1,10}\\.[a-z0-9]{1,9} ?[<>=!]{1,2} ?[0-9.]{1,5}[a-zA-Z%/]{0,3}") {
        // The result does not matter: the test is that there is one.
        let _ = GateCheck::parse(&text);
    }
}

/// A deep tree is dropped by recursion, here as in the TOML parser, and must not overflow
/// the stack.
#[test]
fn deep_nesting_is_rejected_without_a_crash() {
    let parts = |separator: &str, count: usize| vec!["a"; count].join(separator);
    for text in [
        format!("{} = 1", parts(".", 100_000)),
        format!("[{}]", parts(".", 100_000)),
        format!("[{}]\n{} = 1", parts(".", 20), parts(".", 20)),
        format!("a = {}1{}", "[".repeat(50_000), "]".repeat(50_000)),
        format!("a = {}", "{a=".repeat(50_000)),
        "\"a\".".repeat(50_000),
        "x".repeat(2_000_000),
    ] {
        check_parse(&text, &[]);
        check_parse(
            crate::BASE,
            &[
                format!("devices.home.count={text}"),
                format!("{}=1", parts(".", 5_000)),
            ],
        );
    }
}
