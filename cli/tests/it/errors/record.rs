//! Errors of run records and of comparisons between them.

use std::fs;

use expect_test::expect;

use super::{check, temp_workspace};
use crate::harness::highwater;

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
fn impossible_export_is_refused() {
    check(
        "export nowhere --format csv",
        &expect![[r#"
        error: nowhere is not a run directory
          = cause: cannot read nowhere/manifest.json
          = cause: No such file or directory (os error 2)
          = hint: runs are in runs/TIME-NAME, or in the directory of --out
        exit code 2
    "#]],
    );
    check(
        "export here --format xlsx",
        &expect![[r#"
        error: invalid value 'xlsx' for '--format <FORMAT>'
          [possible values: csv, parquet, jsonl, prometheus]

        For more information, try '--help'.
        exit code 2
    "#]],
    );
    check(
        "export here --format prometheus --table events",
        &expect![[r#"
            error: cannot write the table events as prometheus: this format has samples alone
              = hint: csv, jsonl and parquet have all tables
            exit code 2
        "#]],
    );
    check(
        "export here --format csv --table events --output full/precious",
        &expect![[r#"
            error: cannot write full/precious: it exists already
              = hint: --force replaces it
            exit code 2
        "#]],
    );
    check(
        "export here --format jsonl --output small.toml/folder",
        &expect![[r#"
            error: cannot write small.toml/folder
              = cause: Not a directory (os error 20)
            exit code 2
        "#]],
    );
}
