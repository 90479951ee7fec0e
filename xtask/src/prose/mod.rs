//! The prose lint: the part of docs/CONTRIBUTING.md, "How sentences read", that a program
//! can check.
//!
//! ```text
//! tracked files ─► passages ─► rules ─► findings, one line each
//! ```
//!
//! - [`passage`]: a piece of prose and where it stands;
//! - [`rust`]: passages of a Rust file: doc comments, comments, error messages;
//! - [`page`]: passages of Markdown pages, templates and scenarios;
//! - [`rules`]: the openings, phrases and lengths that no passage may have.

mod page;
mod passage;
mod rules;
mod rust;

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

/// Prints every finding in the tracked files and fails if there is one. `prefixes` limit
/// the check to the paths that begin with one of them; none checks the whole tree.
pub(crate) fn run(prefixes: &[String]) -> Result<()> {
    let is_chosen = |path: &String| {
        prefixes.is_empty() || prefixes.iter().any(|prefix| path.starts_with(prefix))
    };
    let mut count = 0;
    for path in tracked_files()?.into_iter().filter(is_chosen) {
        let read = || fs::read_to_string(&path).with_context(|| format!("cannot read {path}"));
        let passages = match path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("rs") => rust::passages(&read()?),
            Some("md" | "html" | "j2" | "toml") => page::passages(&path, &read()?),
            _ => continue,
        };
        for passage in passages {
            for finding in rules::check(&passage) {
                eprintln!("{path}:{}: {finding}", passage.line);
                count += 1;
            }
        }
    }
    match count {
        0 => Ok(()),
        _ => bail!("{count} findings; docs/CONTRIBUTING.md says how sentences read"),
    }
}

fn tracked_files() -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached"])
        .output()
        .context("cannot list the tracked files with git")?;
    let listed = String::from_utf8(output.stdout).context("a path that is not UTF-8")?;
    // A file that was removed and not committed yet is still listed.
    let exists = |path: &&str| Path::new(path).is_file();
    Ok(listed.lines().filter(exists).map(str::to_owned).collect())
}
