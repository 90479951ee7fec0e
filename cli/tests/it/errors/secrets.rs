//! Secrets: refused where they are too weak, and in no message.

use std::fs;

use super::{stderr_and_exit_code, temp_workspace};
use crate::harness::highwater;

#[test]
fn short_token_is_refused_before_anything_starts() {
    for token in ["", "s3cr3t"] {
        let folder = temp_workspace();
        let output = highwater(&["worker", "--connect", "127.0.0.1:1"])
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
    fs::write(&file, "hunter2\n").unwrap();
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
