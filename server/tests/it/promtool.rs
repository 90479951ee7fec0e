//! Prometheus's own check of what is served at `/metrics`.

use std::{
    collections::HashSet,
    io::Write,
    process::{Command, Stdio},
};

/// Just these names are there, each with its help and its type, and Prometheus has
/// nothing to say against any of it.
pub(crate) fn check(text: &str, names: &[&str]) {
    let named = |prefix: &str| -> HashSet<&str> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(prefix));
        lines.map(|line| line.split(' ').next().unwrap()).collect()
    };
    let expected: HashSet<&str> = names.iter().copied().collect();
    assert_eq!(named("# HELP "), expected);
    assert_eq!(named("# TYPE "), expected);
    ask(text);
}

/// The outside oracle, where it is installed.
fn ask(text: &str) {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped());
    let Ok(mut promtool) = command.spawn() else {
        eprintln!("promtool is not installed: only names, help and types were checked");
        return;
    };
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    assert!(promtool.wait().unwrap().success());
}
