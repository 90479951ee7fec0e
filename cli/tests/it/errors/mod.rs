//! Error texts and exit codes of the binary.
//!
//! This file holds the files of the failing commands and the check; the tests lie in `scenario`,
//! `record`, `secrets`, `addresses` and `usage`, by their subject.

mod addresses;
mod record;
mod scenario;
mod secrets;
mod usage;

use std::{fs, os::unix::fs::symlink, path::Path};

use expect_test::Expect;
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
