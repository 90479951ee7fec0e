//! `--set PATH=VALUE` arguments.

use expect_test::{Expect, expect};
use highwater_scenarios::{Diagnostics, Plan, parse};

const NAMED: &str = r#"
[[commands]]
users = 5
[[events]]
name = "kill"
at = "5s"
do = "kill-node"
node = "n1"
[[gates]]
name = "p99"
check = "heartbeats.response.p99 <= 50ms"
"#;

fn set(sets: &[&str]) -> Result<Plan, Diagnostics> {
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    parse("base.toml", &format!("{}{NAMED}", crate::BASE), &sets)
}

fn plan(sets: &[&str]) -> Plan {
    set(sets).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn check(sets: &[&str], expected: Expect) {
    expected.assert_eq(&set(sets).expect_err("an invalid scenario").to_string());
}

#[test]
fn set_values_need_no_quotes() {
    let plan = plan(&[
        "duration=30s",
        "devices.home.count=7",
        "devices.home.ramp = 1000/s",
        "cluster.nodes=3",
        "description=two words",
        "name='quoted'",
    ]);
    assert_eq!(plan.duration.as_secs(), 30);
    assert_eq!(plan.devices[0].count, 7);
    assert_eq!(plan.devices[0].ramp.as_per_second(), 1_000.0);
    assert_eq!(
        (plan.description.as_str(), plan.name.as_str()),
        ("two words", "quoted")
    );
}

#[test]
fn set_paths_address_elements_by_name() {
    let plan = plan(&[
        "gates.p99.check=commands.failed == 0",
        "events.kill.at=7s",
        "commands.commands-1.users=9",
        "devices.home.reconnect.max=5s",
    ]);
    assert_eq!(plan.gates[0].check.text, "commands.failed == 0");
    assert_eq!(plan.events[0].at.as_secs(), 7);
    assert_eq!(plan.users(), 9);
    assert_eq!(plan.devices[0].reconnect.max.as_secs(), 5);
}

#[test]
fn last_set_argument_counts() {
    assert_eq!(plan(&["seed=1", "seed=2"]).seed, 2);
}

#[test]
fn set_argument_removes_a_whole_list() {
    assert!(plan(&["gates=[]"]).gates.is_empty());
}

#[test]
fn set_argument_corrects_an_invalid_file() {
    // A rate without its unit is invalid.
    let text = crate::BASE.replace("\"50/s\"", "50");
    assert!(parse("base.toml", &text, &[]).is_err());
    assert!(parse("base.toml", &text, &["devices.home.ramp=50/s".to_owned()]).is_ok());
}

#[test]
fn set_arguments_without_a_place_are_rejected() {
    check(
        &[
            "duration",
            "=5",
            "devices.hoem.count=5",
            "events.start.at=5s",
            "devices.home=5",
            "name.first=x",
            "seed.=5",
        ],
        expect![[r#"
            --set duration: not of the form PATH=VALUE
              = expected: a path and a value, such as `duration=30s` or `devices.home.count=500`

            --set =5: not of the form PATH=VALUE
              = expected: a path and a value, such as `duration=30s` or `devices.home.count=500`

            --set devices.hoem.count=5: devices.hoem: no pool of devices of that name
              = found: `hoem`
              = expected: `home`
              = hint: did you mean `home`?

            --set events.start.at=5s: events.start: no event of that name
              = found: `start`
              = expected: `kill`

            --set devices.home=5: devices.home: names a whole pool of devices, not one of its keys
              = expected: a key below it, such as `devices.home.count`

            --set name.first=x: name.first: `name` is not a table: nothing can be set below it

            --set seed.=5: not of the form PATH=VALUE
              = expected: a path and a value, such as `duration=30s` or `devices.home.count=500`

            7 problems in base.toml"#]],
    );
}

#[test]
fn set_values_are_validated_like_the_file() {
    check(
        &[
            "devices.home.cuont=5",
            "device.home.count=5",
            "duration=30",
            "cluster.nodes=many",
            "gates.p99.check=heartbeats.response.p99 <= 5",
            "events.kill.node=n7",
        ],
        expect![[r#"
            --set devices.home.cuont=5: devices.home.cuont: unknown key
              = expected: `name`, `count`, `ramp`, `start`, `heartbeat`, `max_missed`, `connect_timeout`, `max_message`, `reconnect`, `separator`, `open`, `answer`, `count_messages`, `close`, `subscribe`, `data`, `login`
              = hint: did you mean `count`?

            --set device.home.count=5: device: unknown key
              = expected: `name`, `description`, `seed`, `duration`, `cluster`, `target`, `devices`, `commands`, `messages`, `publish`, `telemetry`, `events`, `gates`, `matrix`
              = hint: did you mean `devices`?

            --set duration=30: duration: a number without its unit
              = found: 30
              = expected: a duration with its unit (ms, s, m, h, d), from "1s" to "720h"
              = hint: did you mean "30s"?

            --set cluster.nodes=many: cluster.nodes: not a whole number
              = found: "many"
              = expected: a whole number from 1 to 200

            --set gates.p99.check=heartbeats.response.p99 <= 5: gates.p99.check: a number without its unit as the limit of heartbeats.response.p99
              = found: "heartbeats.response.p99 <= 5"
              = expected: a time such as `50ms`, `1.5s` or `800us`
              = hint: did you mean `5ms` or `5s`?

            5 problems in base.toml"#]],
    );
}

#[test]
fn empty_list_of_devices_is_rejected() {
    check(
        &["devices=[]"],
        expect![[r#"
        --set devices=[]: devices: an empty list
          = found: an empty list
          = expected: at least one `[[devices]]`

        1 problem in base.toml"#]],
    );
}
