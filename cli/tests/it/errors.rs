//! Error texts and exit codes of the binary.

use std::{fs, net::TcpListener, os::unix::fs::symlink, path::Path};

use expect_test::{Expect, expect};
use tempfile::TempDir;

use crate::harness::highwater;

const SCENARIO: &str = r#"name = "small"
duration = "5s"
[target]
ws = "ws://127.0.0.1:1/ws?device={device}"
[[devices]]
name = "home"
count = 1
ramp = "1/s"
heartbeat = "20s"
"#;

/// Returns a directory for the files of the failing commands.
fn temp_workspace() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("a file");
    };
    write("small.toml", SCENARIO);
    write("bad.toml", "name = 1\ndurations = \"5s\"\n");
    for run in ["full", "newer", "torn"] {
        fs::create_dir(folder.path().join(run)).expect("a directory");
    }
    write("full/precious", "x");
    write("newer/manifest.json", r#"{"schema": 99}"#);
    write("torn/manifest.json", r#"{"schema": 1, "started"#);
    for (run, cpus) in [("here", 2), ("there", 64), ("other", 2)] {
        fs::create_dir(folder.path().join(run)).expect("a directory");
        let manifest = match run {
            "other" => manifest(cpus).replace("ws://127.0.0.1:1/", "ws://127.0.0.1:2/"),
            _ => manifest(cpus),
        };
        write(&format!("{run}/manifest.json"), &manifest);
    }
    let headers = "headers = { X-Key = \"s3cr3t\\n\" }\n[[devices]]";
    write("secret.toml", &SCENARIO.replace("[[devices]]", headers));
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    symlink(catalogue, folder.path().join("scenarios")).expect("a link");
    folder
}

/// Returns the manifest of a run that was killed before it wrote intervals.
fn manifest(cpus: u32) -> String {
    let plan = highwater_scenarios::parse("small.toml", SCENARIO, &[]);
    serde_json::json!({
        "schema": 1,
        "started_at": "2026-01-02T03:04:05Z",
        "plan": plan.unwrap_or_else(|problems| panic!("{problems}")),
        "scenario_text": SCENARIO,
        "sets": [],
        "workers": 1,
        "versions": {},
        "host": { "cpus": cpus },
    })
    .to_string()
}

/// Runs `highwater` in such a directory. Returns its standard error, with the exit code at
/// the end.
fn stderr_and_exit_code(arguments: &str) -> String {
    let folder = temp_workspace();
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let output = highwater(&arguments)
        .current_dir(folder.path())
        .env("RUST_LOG", "off")
        .env("HIGHWATER_TOKEN", "a-token-of-a-test")
        .output()
        .expect("highwater starts");
    // Scripts read results from stdout, so an error must not stand there.
    assert!(output.stdout.is_empty(), "{output:?}");
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert!(!stderr.contains('\x1b'), "colour in a pipe: {stderr:?}");
    let code = output.status.code().expect("an exit code");
    format!("{stderr}exit code {code}\n")
}

fn check(arguments: &str, expected: &Expect) {
    expected.assert_eq(&stderr_and_exit_code(arguments));
}

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
          = expected: a duration with its unit (ms, s, m, h), from "1s" to "720h"

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
          = expected: `name`, `description`, `seed`, `duration`, `cluster`, `target`, `devices`, `commands`, `publish`, `telemetry`, `events`, `gates`, `matrix`
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
fn unusable_record_directory_is_refused() {
    check(
        "run small.toml --out full",
        &expect![[r#"
            small: 1 socket on ws://127.0.0.1:1/ws?device={device}
            ramp 0s, steady 5s, drain; record in full
            error: cannot start a record in full: the directory is not empty
              = hint: name another directory with --out, or remove this one
            exit code 2
        "#]],
    );
    check(
        "run small.toml --out small.toml/run",
        &expect![[r#"
        small: 1 socket on ws://127.0.0.1:1/ws?device={device}
        ramp 0s, steady 5s, drain; record in small.toml/run
        error: cannot create small.toml/run
          = cause: Not a directory (os error 20)
        exit code 2
    "#]],
    );
}

#[test]
fn directory_without_a_record_is_refused() {
    check(
        "report nowhere",
        &expect![[r#"
        error: nowhere is not a run directory
          = cause: cannot read nowhere/manifest.json
          = cause: No such file or directory (os error 2)
          = hint: runs are in runs/TIME-NAME, or in the directory of --out
        exit code 2
    "#]],
    );
    check(
        "gate full",
        &expect![[r#"
        error: full is not a run directory
          = cause: cannot read full/manifest.json
          = cause: No such file or directory (os error 2)
          = hint: runs are in runs/TIME-NAME, or in the directory of --out
        exit code 2
    "#]],
    );
    check(
        "compare newer torn",
        &expect![[r#"
            error: newer/manifest.json has record schema 99, this version reads 1 and 2
            exit code 2
        "#]],
    );
    check(
        "gate torn",
        &expect![[r#"
        error: torn/manifest.json is not a valid manifest
          = cause: EOF while parsing a string at line 1 column 22
        exit code 2
    "#]],
    );
    check(
        "gate small.toml",
        &expect![[r#"
        error: small.toml is not a run directory
          = cause: cannot read small.toml/manifest.json
          = cause: Not a directory (os error 20)
          = hint: runs are in runs/TIME-NAME, or in the directory of --out
        exit code 2
    "#]],
    );
}

#[test]
fn incomparable_runs_are_refused_with_the_reason() {
    check(
        "compare here there",
        &expect![[r#"
            error: these runs cannot be compared:
              here and there ran on different machines: the number of CPU cores is 2 and 64
              here is truncated: the harness was killed
              there is truncated: the harness was killed
              = hint: --anyway compares them all the same
            exit code 2
        "#]],
    );
}

#[test]
fn run_is_compared_with_other_runs_only() {
    check(
        "compare here ./here",
        &expect![[r#"
            error: cannot compare ./here with itself
              = hint: name two runs or more, each once
            exit code 2
        "#]],
    );
    check(
        "gate here --baseline here",
        &expect![[r#"
            error: cannot judge here against itself
              = hint: name an earlier run with --baseline
            exit code 2
        "#]],
    );
    check(
        "gate here --baseline other",
        &expect![[r#"
            error: other is no baseline: its load was put on ws://127.0.0.1:2/ws?device={device}, and this one's on ws://127.0.0.1:1/ws?device={device}
              = hint: name a run of the same scenario and system, or judge all the same with --anyway
            exit code 2
        "#]],
    );
    // Before the run, which may take an hour.
    check(
        "run small.toml --out run --baseline other",
        &expect![[r#"
            error: other is no baseline: its load was put on ws://127.0.0.1:2/ws?device={device}, and this one's on ws://127.0.0.1:1/ws?device={device}
              = hint: name a run of the same scenario and system, or judge all the same with --anyway
            exit code 2
        "#]],
    );
}

#[test]
fn judgement_against_a_baseline_stands_in_junit() {
    let folder = temp_workspace();
    let output = highwater(&["gate", "here", "--baseline", "other", "--anyway"])
        .current_dir(folder.path())
        .output()
        .expect("highwater starts");
    // Both runs were killed, so nothing is known.
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let junit = fs::read_to_string(folder.path().join("here/junit.xml")).expect("written");
    assert!(junit.contains("the baseline differs"), "{junit}");
    assert!(junit.contains("errors=\"1\""), "{junit}");
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

#[test]
fn short_token_is_refused_before_anything_starts() {
    for command in [
        vec!["worker", "--connect", "127.0.0.1:1"],
        vec![
            "coordinator",
            "scenarios/smoke.toml",
            "--listen",
            "127.0.0.1:0",
            "--workers",
            "1",
        ],
    ] {
        for token in ["", "s3cr3t"] {
            let folder = temp_workspace();
            let output = highwater(&command)
                .current_dir(folder.path())
                .env("HIGHWATER_TOKEN", token)
                .output()
                .expect("highwater starts");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(stderr.contains("expected 16 or more"), "{stderr}");
            assert!(!stderr.contains("s3cr3t"), "{stderr}");
            assert_eq!(output.status.code(), Some(2));
        }
    }
}

#[test]
fn value_of_a_header_field_is_in_no_message_and_no_record() {
    let folder = temp_workspace();
    let run = |arguments: &[&str]| {
        let output = highwater(arguments)
            .current_dir(folder.path())
            .output()
            .expect("highwater starts");
        let texts = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&texts).into_owned();
        assert!(!text.contains("s3cr3t"), "{text}");
        text
    };
    // The line of the problem is shown.
    let text = run(&["check", "secret.toml"]);
    assert!(text.contains("X-Key = \"****"), "{text}");
    let set = "target.headers.X-Key=s3cr3t";
    let text = run(&["check", "small.toml", "--set", set]);
    assert!(
        text.contains("warning: the value of the header field X-Key"),
        "{text}"
    );
    run(&["run", "small.toml", "--out", "run", "--set", set]);
    let manifest = fs::read_to_string(folder.path().join("run/manifest.json")).expect("written");
    assert!(
        !manifest.contains("s3cr3t") && manifest.contains("X-Key=***"),
        "{manifest}"
    );
    run(&["report", "run"]);
    let page = fs::read_to_string(folder.path().join("run/report.html")).expect("written");
    assert!(!page.contains("s3cr3t"));
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
fn unusable_listen_address_is_reported_with_a_hint() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let text = stderr_and_exit_code(&format!("serve node --id n1 --listen 127.0.0.1:{port}"));
    expect![[r#"
        error: cannot listen on 127.0.0.1:PORT
          = cause: Address already in use (os error 98)
          = hint: `ss -ltnp sport = :PORT` names who has it; port 0 takes a free one
        exit code 5
    "#]]
    .assert_eq(&text.replace(&port.to_string(), "PORT"));
    check(
        "serve node --id n1 --listen 192.0.2.1:7000",
        &expect![[r#"
        error: cannot listen on 192.0.2.1:7000
          = cause: Cannot assign requested address (os error 99)
          = hint: the address must be one of this machine's
        exit code 2
    "#]],
    );
}

#[test]
fn cluster_on_several_machines_needs_a_secret() {
    for (command, error) in [
        (
            "serve broker --listen 0.0.0.0:0",
            "cannot serve other machines on 0.0.0.0:0 without a cluster secret",
        ),
        (
            "serve node --id n1 --listen 127.0.0.1:0 --backplane local://192.0.2.1:7000",
            "cannot join through local://192.0.2.1:7000 without a cluster secret",
        ),
        (
            "serve gateway --id g1 --listen 127.0.0.1:0 --backplane local://192.0.2.1:7000",
            "cannot join through local://192.0.2.1:7000 without a cluster secret",
        ),
        (
            "serve consumer --id c1 --group g --backplane local://192.0.2.1:7000",
            "cannot join through local://192.0.2.1:7000 without a cluster secret",
        ),
        (
            "groups --backplane local://192.0.2.1:7000",
            "cannot join through local://192.0.2.1:7000 without a cluster secret",
        ),
    ] {
        let text = stderr_and_exit_code(command);
        assert!(text.starts_with(&format!("error: {error}\n")), "{text}");
        assert!(text.contains("= hint: `head -c 32 /dev/urandom"), "{text}");
        assert!(text.ends_with("exit code 2\n"), "{text}");
    }
}

#[test]
fn short_cluster_secret_is_refused_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "hunter2\n").unwrap();
    let command = format!(
        "serve broker --listen 127.0.0.1:0 --cluster-secret-file {}",
        file.display()
    );
    let text = stderr_and_exit_code(&command);
    let error = "error: invalid cluster secret of 7 bytes: expected 16 to 4096\n";
    assert!(text.starts_with(error), "{text}");
    assert!(
        text.ends_with("exit code 2\n") && !text.contains("hunter2"),
        "{text}"
    );
}

#[test]
fn unusable_address_is_wrong_usage() {
    check(
        "serve broker --listen localhost",
        &expect![[r#"
        error: invalid value 'localhost' for '--listen <ADDR>': expected HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or localhost:8080

        For more information, try '--help'.
        exit code 2
    "#]],
    );
    check(
        "serve node --id n1 --listen 0.0.0.0:0 --backplane local://127.0.0.1:1",
        &expect![[r#"
        error: cannot advertise 0.0.0.0:0: to a gateway it is an address of its own host
          = hint: name an address of this host that gateways reach: --advertise HOST:PORT
        exit code 2
    "#]],
    );
}

#[test]
fn unreachable_coordinator_is_reported_with_a_hint() {
    check(
        "worker --connect 127.0.0.1:1",
        &expect![[r#"
        error: cannot reach the coordinator at 127.0.0.1:1
          = cause: Connection refused (os error 111)
          = hint: start the coordinator first; --connect is what its --listen says, as this machine reaches it
        exit code 5
    "#]],
    );
}

#[test]
fn invalid_arguments_are_wrong_usage() {
    check(
        "rnu",
        &expect![[r#"
        error: unrecognized subcommand 'rnu'

        Usage: highwater <COMMAND>

        For more information, try '--help'.
        exit code 2
    "#]],
    );
    check(
        "run",
        &expect![[r#"
        error: the following required arguments were not provided:
          <SCENARIO>

        Usage: highwater run <SCENARIO>

        For more information, try '--help'.
        exit code 2
    "#]],
    );
    check(
        "run small.toml --workers 0",
        &expect![[r#"
        error: invalid value '0' for '--workers <N>': 0 is not in 1..=1000

        For more information, try '--help'.
        exit code 2
    "#]],
    );
    check(
        "completions tcsh",
        &expect![[r#"
        error: invalid value 'tcsh' for '<SHELL>'
          [possible values: bash, elvish, fish, powershell, zsh]

          tip: a similar value exists: 'zsh'

        For more information, try '--help'.
        exit code 2
    "#]],
    );
    check(
        "man --out small.toml/man",
        &expect![[r#"
        error: cannot write man pages into small.toml/man
          = cause: Not a directory (os error 20)
        exit code 2
    "#]],
    );
}
