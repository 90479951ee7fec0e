//! Errors of scenario files and targets.

use expect_test::expect;

use super::{check, temp_workspace};
use crate::harness::highwater;

#[test]
fn unreadable_scenario_is_reported_with_its_path() {
    check(
        "check nowhere.toml",
        &expect![[r#"
        error: cannot read the scenario nowhere.toml
          = cause: No such file or directory (os error 2)
        exit code 2
    "#]],
    );
    check(
        "check smoke",
        &expect![[r#"
        error: cannot read the scenario smoke
          = cause: No such file or directory (os error 2)
          = hint: there is scenarios/smoke.toml
        exit code 2
    "#]],
    );
    check(
        "run full",
        &expect![[r#"
        error: cannot read the scenario full
          = cause: Is a directory (os error 21)
        exit code 2
    "#]],
    );
}

#[test]
fn invalid_scenario_is_reported_with_every_problem() {
    check(
        "check bad.toml",
        &expect![[r#"
            error: bad.toml:1:1: duration: missing
              |
            1 | name = 1
              | ^
              = expected: a duration with its unit (ms, s, m, h, d), from "1s" to "720h"

            error: bad.toml:1:1: cluster: neither `[cluster]` nor `[target]`
              |
            1 | name = 1
              | ^
              = expected: one of them: a cluster to start, or a system that is running

            error: bad.toml:1:1: devices: no pool of devices
              |
            1 | name = 1
              | ^
              = expected: at least one `[[devices]]`

            error: bad.toml:1:8: name: not text in quotes
              |
            1 | name = 1
              |        ^
              = found: 1
              = expected: a name of 1 to 64 letters, digits, `-` and `_` that begins with a letter or digit

            error: bad.toml:2:1: durations: unknown key
              |
            2 | durations = "5s"
              | ^^^^^^^^^
              = expected: `name`, `description`, `seed`, `duration`, `cluster`, `target`, `devices`, `commands`, `messages`, `publish`, `telemetry`, `events`, `gates`, `matrix`
              = hint: did you mean `duration`?

            5 problems in bad.toml
            exit code 2
        "#]],
    );
    check(
        "run small.toml --set devices.hom.count=5",
        &expect![[r#"
        error: --set devices.hom.count=5: devices.hom: no pool of devices of that name
          = found: `hom`
          = expected: `home`
          = hint: did you mean `home`?

        1 problem in small.toml
        exit code 2
    "#]],
    );
    check(
        "run small.toml --set count",
        &expect![[r#"
        error: --set count: not of the form PATH=VALUE
          = expected: a path and a value, such as `duration=30s` or `devices.home.count=500`

        1 problem in small.toml
        exit code 2
    "#]],
    );
}

#[test]
fn unreachable_target_is_reported_with_its_cause() {
    check(
        "run small.toml --out run",
        &expect![[r#"
        small: 1 socket on ws://127.0.0.1:1/ws?device={device}
        ramp 0s, steady 5s, drain; record in run
        error: the target does not answer at ws://127.0.0.1:1/ws?device={device}: Connection refused (os error 111)
          = hint: start it first, or correct [target] in the scenario
        exit code 5
    "#]],
    );
}

#[test]
fn command_whose_start_failed_can_be_repeated() {
    let folder = temp_workspace();
    for _ in 0..2 {
        let output = highwater(&["run", "small.toml", "--out", "run"])
            .current_dir(folder.path())
            .output()
            .expect("highwater starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("the target does not answer"), "{stderr}");
        assert_eq!(output.status.code(), Some(5));
        assert!(folder.path().join("run/logs").is_dir());
    }
}
