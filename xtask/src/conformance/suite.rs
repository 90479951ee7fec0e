//! The suite's program, `wstest`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::steps::step;

/// Installs the suite; run by bash with the folder as its argument.
const INSTALL: &str = include_str!("autobahn.sh");

/// An installed suite.
pub(super) struct AutobahnSuite {
    program: PathBuf,
}

impl AutobahnSuite {
    /// Installs it below `folder`, unless it is there.
    pub(super) fn install(folder: &Path) -> Result<Self> {
        let home = folder.join("autobahn");
        let program = home.join("wstest");
        if !program.is_file() {
            fs::create_dir_all(&home).with_context(|| home.display().to_string())?;
            let mut install = Command::new("bash");
            install.args(["-c", INSTALL, "autobahn.sh"]).arg(&home);
            step("Autobahn test suite", &mut install)
                .context("the suite needs apt, dpkg, python3 with pip, and a C compiler")?;
        }
        Ok(Self { program })
    }

    /// Returns the command of a run in `mode`. Its `spec` and its reports are in `folder`.
    pub(super) fn command(&self, mode: &str, spec: &Value, folder: &Path) -> Result<Command> {
        // Reports of an earlier run would pass for this one's.
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let path = folder.join("spec.json");
        fs::write(&path, spec.to_string()).with_context(|| path.display().to_string())?;
        let mut command = Command::new(&self.program);
        command
            .args(["--mode", mode, "--spec"])
            .arg(path)
            .current_dir(folder);
        Ok(command)
    }
}
