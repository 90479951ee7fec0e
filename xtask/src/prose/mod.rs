//! The prose lint: what a machine can hold of docs/CONTRIBUTING.md, "How sentences read".
//!
//! ```text
//! tracked files ─► passages ─► rules ─► findings, one line each
//! ```
//!
//! - [`passage`]: a piece of prose and where it stands;
//! - [`rust`]: passages of a Rust file: doc comments, comments, error messages;
//! - [`page`]: passages of Markdown pages, templates and scenarios;
//! - [`rules`]: what no passage may contain.

mod page;
mod passage;
mod rules;
mod rust;

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use self::passage::Passage;

/// Prints every finding and fails if there is one. `prefixes` limit the check to the
/// paths that begin with one of them; none checks the whole tree.
pub(crate) fn run(prefixes: &[String]) -> Result<()> {
    let findings = findings(Path::new("."), prefixes)?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("{count} findings; docs/CONTRIBUTING.md says how sentences read"),
    }
}

/// Every finding in the tracked files below `root`, one line each.
fn findings(root: &Path, prefixes: &[String]) -> Result<Vec<String>> {
    let is_chosen = |path: &String| {
        prefixes.is_empty()
            || prefixes
                .iter()
                .any(|prefix| path.starts_with(prefix.as_str()))
    };
    let mut findings = Vec::new();
    for path in tracked_files(root)?.into_iter().filter(is_chosen) {
        let passages = match path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("rs") => rust::passages(&read(root, &path)?),
            Some("md" | "html" | "j2" | "toml") => page::passages(&path, &read(root, &path)?),
            _ => continue,
        };
        for passage in &passages {
            findings.extend(describe(&path, passage));
        }
    }
    Ok(findings)
}

fn describe(path: &str, passage: &Passage) -> Vec<String> {
    rules::check(passage)
        .into_iter()
        .map(|finding| format!("{path}:{}: {finding}", passage.line))
        .collect()
}

fn tracked_files(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached"])
        .current_dir(root)
        .output()
        .context("cannot list the tracked files with git")?;
    let listed = String::from_utf8(output.stdout).context("a path that is not UTF-8")?;
    // A file that was removed and not committed yet is still listed.
    let exists = |path: &&str| root.join(path).is_file();
    Ok(listed.lines().filter(exists).map(str::to_owned).collect())
}

fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"))
}
