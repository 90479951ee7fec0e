//! Every command that the documents show. Those of the tutorial are run as it shows them,
//! with less load and for a shorter time. Those of other pages are checked.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::symlink,
    path::Path,
    process::{Output, Stdio},
};

use tempfile::TempDir;

use crate::harness::highwater;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The page whose commands the test runs, in the order in which a reader meets them.
const TUTORIAL: &str = "docs/getting-started.md";

/// Pages whose scenarios and values are checked.
const OTHER_PAGES: &[&str] = &["README.md", "docs/tls.md", "docs/routing.md"];

/// Placeholders in commands, and the values that replace them.
const EXAMPLES: &[(&str, &str)] = &[
    ("NODES", "4"),
    ("ROUTING", "broadcast"),
    ("BACKPLANE", "redis://127.0.0.1"),
];

/// Commands that are not this binary's.
const OTHERS: &[&str] = &[
    "cargo build --release",
    "cargo xtask test",
    "docker compose up --exit-code-from coordinator coordinator",
];

/// Exit code of a run in which the harness was the limit.
const INCONCLUSIVE: i32 = 4;

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
fn commands_of_the_tutorial_work() {
    let folder = temp_workspace();
    let commands = commands(TUTORIAL);
    for (location, arguments) in &commands {
        try_out(folder.path(), location, arguments.clone());
    }
    assert!(commands.len() >= 9, "{commands:?}");
}

#[test]
fn runs_of_the_other_pages_are_valid() {
    let folder = temp_workspace();
    for page in OTHER_PAGES {
        let mut runs = commands(page);
        // A page may have a scenario written before it runs it.
        for (location, arguments) in runs.iter().filter(|(_, words)| words[0] == "init") {
            succeeds(folder.path(), location, arguments);
        }
        runs.retain(|(_, arguments)| arguments[0] == "run");
        assert!(runs.len() >= 2, "{page}: {runs:?}");
        for (location, arguments) in runs {
            succeeds(folder.path(), &location, &as_check(&arguments));
        }
    }
}

#[test]
fn links_lead_to_existing_files() {
    let docs = fs::read_dir(Path::new(ROOT).join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().path());
    let pages = docs.filter(|path| path.extension().is_some_and(|end| end == "md"));
    let mut links = 0;
    for page in pages.chain([Path::new(ROOT).join("README.md")]) {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            let file = link.split('#').next().unwrap();
            if file.is_empty() || link.starts_with("http") {
                continue;
            }
            links += 1;
            let target = page.with_file_name("").join(file);
            assert!(target.exists(), "{}: {link}", page.display());
        }
    }
    assert!(links > 40, "{links} links were found");
}

/// Checks the page on measuring, which names the test that holds each rule.
#[test]
fn named_tests_exist() {
    let page = fs::read_to_string(Path::new(ROOT).join("docs/measurement.md")).unwrap();
    let tests = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it")).unwrap();
    let tests = tests.map(|entry| entry.unwrap().path());
    let sources: String = tests
        .filter(|path| path.is_file())
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let words = page.split('`').skip(1).step_by(2);
    let named: Vec<&str> = words
        .filter(|word| word.matches('_').count() >= 3 && !word.contains('.'))
        .collect();
    assert!(named.len() >= 8, "{named:?}");
    for name in named {
        assert!(sources.contains(&format!("fn {name}()")), "{name}");
    }
}

/// Returns a folder that contains the catalogue.
fn temp_workspace() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = Path::new(ROOT).join("scenarios");
    symlink(catalogue, folder.path().join("scenarios")).unwrap();
    folder
}

/// Returns this binary's commands in the `sh` blocks of a page: their location and their
/// arguments.
fn commands(page: &str) -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(Path::new(ROOT).join(page)).unwrap();
    let mut commands = Vec::new();
    for line in shell_lines(&text.replace("\\\n", "")) {
        match arguments(&line) {
            Some(arguments) => commands.push((format!("{page}: {line}"), arguments)),
            None => assert!(OTHERS.contains(&line.as_str()), "{page}: {line}"),
        }
    }
    commands
}

/// Returns the lines of all `sh` blocks of a page.
fn shell_lines(page: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside && !line.is_empty() => lines.push(line.to_owned()),
            _ => {}
        }
    }
    lines
}

/// Returns the arguments that only check a run: its scenario, and the values set in it.
fn as_check(run: &[String]) -> Vec<String> {
    let mut check = vec!["check".to_owned(), run[1].clone()];
    for words in run.windows(2).filter(|words| words[0] == "--set") {
        check.extend_from_slice(words);
    }
    check
}

/// Returns the arguments for the binary; `None` for a command of another program.
fn arguments(command: &str) -> Option<Vec<String>> {
    let arguments = command
        .strip_prefix("highwater ")
        .or_else(|| command.strip_prefix("cargo run --release -- "))?;
    let words = arguments.split_whitespace().map(|word| {
        let word = word.trim_matches('\'');
        let examples = EXAMPLES.iter();
        examples.fold(word.to_owned(), |word, (name, example)| {
            word.replace(name, example)
        })
    });
    Some(words.collect())
}

fn try_out(folder: &Path, location: &str, mut arguments: Vec<String>) {
    if arguments[0] == "serve" {
        return serves(location, arguments);
    }
    if arguments[0] == "run" {
        arguments.extend(SHORT.iter().map(|argument| (*argument).to_owned()));
    }
    succeeds(folder, location, &arguments);
}

fn succeeds(folder: &Path, location: &str, arguments: &[String]) {
    let Output {
        status,
        stdout,
        stderr,
    } = highwater(&[])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("it starts");
    // A busy machine makes a run inconclusive, which says nothing of the command.
    let judged = matches!(arguments[0].as_str(), "run" | "gate");
    assert!(
        status.success() || (judged && status.code() == Some(INCONCLUSIVE)),
        "{location}: {status}\n{}\n{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
}

/// Serves on a free port instead of the documented one.
fn serves(location: &str, mut arguments: Vec<String>) {
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
        "{location}: {line}"
    );
}
