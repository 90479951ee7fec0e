//! Every command that the documents show is run as they show it, with less load
//! and for a shorter time.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::symlink,
    path::Path,
    process::{Output, Stdio},
};

use crate::harness::highwater;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Pages with commands, in the order a reader meets them.
const PAGES: &[&str] = &["README.md", "docs/getting-started.md"];

/// Commands that are not this binary's.
const OTHERS: &[&str] = &["cargo build --release", "cargo xtask test"];

/// Appended to each run, so that it takes seconds. Without gates on the full
/// load, a run that works passes.
const SHORT: &[&str] = &[
    "--set",
    "duration=1s",
    "--set",
    "devices.home.count=20",
    "--set",
    "devices.home.ramp=200/s",
    "--set",
    "events=[]",
    "--set",
    "gates=[]",
];

#[test]
fn every_documented_command_works() {
    let folder = tempfile::tempdir().unwrap();
    symlink(
        Path::new(ROOT).join("scenarios"),
        folder.path().join("scenarios"),
    )
    .unwrap();
    let mut run = 0;
    for page in PAGES {
        for command in commands(&fs::read_to_string(Path::new(ROOT).join(page)).unwrap()) {
            let Some(arguments) = arguments(&command) else {
                assert!(OTHERS.contains(&command.as_str()), "{page}: {command}");
                continue;
            };
            try_out(folder.path(), &format!("{page}: {command}"), arguments);
            run += 1;
        }
    }
    assert!(run >= 10, "{run} commands were found");
}

/// The lines of all `sh` blocks of a page.
fn commands(page: &str) -> Vec<String> {
    let mut inside = false;
    let mut commands = Vec::new();
    for line in page.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside && !line.is_empty() => commands.push(line.to_owned()),
            _ => {}
        }
    }
    commands
}

/// What a command gives to the binary; `None` if it is another program's.
fn arguments(command: &str) -> Option<Vec<String>> {
    let arguments = command
        .strip_prefix("highwater ")
        .or_else(|| command.strip_prefix("cargo run --release -- "))?;
    Some(arguments.split_whitespace().map(str::to_owned).collect())
}

fn try_out(folder: &Path, what: &str, mut arguments: Vec<String>) {
    if arguments[0] == "serve" {
        return serves(what, arguments);
    }
    if arguments[0] == "run" {
        arguments.extend(SHORT.iter().map(|argument| (*argument).to_owned()));
    }
    let Output {
        status,
        stdout,
        stderr,
    } = highwater(&[])
        .args(&arguments)
        .current_dir(folder)
        .output()
        .expect("it starts");
    assert!(
        status.success(),
        "{what}: {status}\n{}\n{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
}

/// Serves on a free port instead of the documented one.
fn serves(what: &str, mut arguments: Vec<String>) {
    let listen = arguments
        .iter()
        .position(|word| word == "--listen")
        .expect("an address");
    arguments[listen + 1] = "127.0.0.1:0".to_owned();
    let mut child = highwater(&[])
        .args(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it serves");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe"))
        .read_line(&mut line)
        .expect("it serves");
    child.kill().expect("it serves");
    child.wait().expect("it serves");
    assert!(
        line.starts_with("listening on 127.0.0.1:"),
        "{what}: {line}"
    );
}
