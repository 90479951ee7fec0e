//! The tools that are compared. A further tool is one file and its lines here.

mod artillery;
mod highwater;
mod k6;
mod locust;
mod tsung;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;
use highwater_process::Launch;

use super::{latency::Latency, load::Load, target::Target};

/// A load testing tool.
pub(super) trait Tool {
    /// Returns the name as its makers write it.
    fn name(&self) -> &'static str;

    /// Returns the version; `None` if the tool is not installed.
    fn version(&self) -> Option<String>;

    /// Whether it can put this load on the server.
    fn supports(&self, target: Target) -> bool;

    /// Returns the processes of a run. They write to the run's directory only, and the tool ends
    /// by itself.
    ///
    /// # Errors
    /// A message if a file cannot be written or a program is missing.
    fn launches(&self, start: &Start<'_>) -> Result<Launches>;

    /// Reads the latency of heartbeats from the tool's own report in the run's directory.
    ///
    /// # Errors
    /// A message if the report is missing or has another form.
    fn latency(&self, directory: &Path) -> Result<Latency>;
}

/// A run to start.
pub(super) struct Start<'a> {
    /// The load.
    pub(super) load: Load,
    /// The server's port on loopback.
    pub(super) port: u16,
    /// The directory of the run.
    pub(super) directory: &'a Path,
}

/// The processes of a run.
pub(super) struct Launches {
    /// The tool.
    pub(super) tool: Launch,
    /// Processes that the tool needs. They start first, and their memory and CPU are not counted.
    pub(super) helpers: Vec<Launch>,
}

impl From<Launch> for Launches {
    fn from(tool: Launch) -> Self {
        Self {
            tool,
            helpers: Vec::new(),
        }
    }
}

/// The names of all tools.
const NAMES: [&str; 5] = [
    highwater::NAME,
    k6::NAME,
    locust::NAME,
    tsung::NAME,
    artillery::NAME,
];

/// Returns all tools, with the path of Highwater's binary.
pub(super) fn all(highwater: &Path) -> Vec<Box<dyn Tool>> {
    vec![
        Box::new(highwater::Highwater::new(highwater)),
        Box::new(k6::K6),
        Box::new(locust::Locust),
        Box::new(tsung::Tsung),
        Box::new(artillery::Artillery),
    ]
}

/// Whether a tool has this name, in any case of letters.
pub(super) fn is_known(name: &str) -> bool {
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Returns the names for a message.
pub(super) fn names() -> String {
    NAMES.join(", ")
}

/// Returns the path of a script of this bench.
fn script(name: &str) -> PathBuf {
    // The command runs in any folder of the workspace.
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/peers")).join(name)
}

/// Returns the version that a program prints with `argument`; `None` where it prints none.
fn printed_version(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    first_version(&String::from_utf8_lossy(&output.stdout))
}

/// Returns the first word with a digit and a dot, without a `v` before it.
fn first_version(printed: &str) -> Option<String> {
    let mut words = printed.split_whitespace();
    let mut versions = words.by_ref().map(|word| word.trim_start_matches('v'));
    let version = versions.find(|word| {
        word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.')
    })?;
    // The output of an unknown program may be one long word.
    Some(version.chars().take(40).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_found_in_what_each_tool_prints() {
        for (printed, version) in [
            (
                "k6 v1.1.0 (commit/0e3fb953be, go1.24.4, linux/amd64)",
                "1.1.0",
            ),
            ("locust 2.47.0 from /venv/locust (Python 3.11.7)", "2.47.0"),
            ("Tsung version 1.7.0", "1.7.0"),
            ("highwater 0.1.0", "0.1.0"),
        ] {
            assert_eq!(first_version(printed).as_deref(), Some(version));
        }
        assert_eq!(first_version("no digits"), None);
    }

    #[test]
    fn names_are_those_of_the_tools() {
        let tools = all(Path::new("highwater"));
        let names: Vec<_> = tools.iter().map(|tool| tool.name()).collect();
        assert_eq!(names, NAMES);
    }
}
