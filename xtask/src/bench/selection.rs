//! The options of each comparison of the reference cluster: its systems and its binary.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use super::system::System;

/// The systems that a comparison runs, and the binary that runs them.
#[derive(Args)]
pub(in crate::bench) struct Selection {
    /// Names of the systems to run, for example `redis,nats` [default: all]
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Highwater's binary
    #[arg(long, default_value = "target/release/highwater")]
    pub(in crate::bench) highwater: PathBuf,
}

impl Selection {
    /// Returns the chosen ones of the systems.
    ///
    /// # Errors
    /// A message for a name of none of them, and for a binary that is missing.
    pub(in crate::bench) fn choose(&self, systems: Vec<System>) -> Result<Vec<System>> {
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
        let is_chosen = |system: &System| {
            self.only.is_empty() || self.only.iter().any(|name| name == system.name)
        };
        Ok(systems.into_iter().filter(is_chosen).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(only: &[&str]) -> Result<Vec<&'static str>> {
        let selection = Selection {
            only: only.iter().map(|name| (*name).to_owned()).collect(),
            // A file that exists: this one.
            highwater: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/bench/selection.rs"),
        };
        let external = |name| System::external(name, || unreachable!("nothing is started"));
        let systems = vec![System::embedded(), external("redis"), external("nats")];
        let chosen = selection.choose(systems)?;
        Ok(chosen.iter().map(|system| system.name).collect())
    }

    #[test]
    fn systems_keep_their_order_and_unknown_names_are_rejected() {
        assert_eq!(choose(&[]).unwrap(), ["embedded", "redis", "nats"]);
        assert_eq!(choose(&["nats", "embedded"]).unwrap(), ["embedded", "nats"]);
        let error = choose(&["nats", "reddis"]).unwrap_err().to_string();
        let expected = "invalid --only \"reddis\": expected names of embedded, redis, nats";
        assert_eq!(error, expected);
    }
}
