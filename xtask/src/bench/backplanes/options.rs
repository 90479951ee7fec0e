//! The command line of the comparison.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use super::system::System;

/// The command line of the comparison.
#[derive(Args)]
pub(crate) struct BackplanesOptions {
    /// Names of the backplanes to run, for example `redis,nats` [default: all]
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Highwater's binary
    #[arg(long, default_value = "target/release/highwater")]
    pub(super) highwater: PathBuf,
    /// Replace the table in docs/backplanes.md
    #[arg(long)]
    pub(super) write: bool,
}

impl BackplanesOptions {
    /// Checks the names and the binary.
    ///
    /// # Errors
    /// A message with what is accepted.
    pub(super) fn check(&self) -> Result<()> {
        let systems = System::all();
        let known: Vec<_> = systems.iter().map(|system| system.name).collect();
        if let Some(unknown) = self.only.iter().find(|name| !known.contains(&&***name)) {
            bail!(
                "invalid --only {unknown:?}: expected names of {}",
                known.join(", ")
            );
        }
        if !self.highwater.is_file() {
            bail!(
                "no binary at {}\nhint: run `cargo build --release` first",
                self.highwater.display()
            );
        }
        Ok(())
    }

    /// Whether a backplane is to be run.
    pub(super) fn includes(&self, system: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == system)
    }
}
