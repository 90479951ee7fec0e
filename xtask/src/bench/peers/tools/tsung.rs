//! Tsung, from Debian's package.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use highwater_process::Launch;
use highwater_services::{EPMD, TSUNG, pick_free_port};

use super::{Launches, Start, Tool, printed_version, script};
use crate::bench::peers::{latency::Latency, target::Target};

pub(super) const NAME: &str = "Tsung";

/// The folder of Tsung's logs in the run's directory. Tsung adds a folder with the time.
const LOGS: &str = "logs";
/// The transaction of a heartbeat in the log.
const TRANSACTION: &str = "stats: tr_heartbeat ";
/// The position of the maximum behind the transaction: count, mean, deviation, maximum.
const MAX_FIELD: usize = 3;

/// Tsung, with the sessions in the virtual machine of its controller.
pub(super) struct Tsung;

impl Tool for Tsung {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> Option<String> {
        printed_version(&TSUNG.path()?, "-v")
    }

    fn supports(&self, target: Target) -> bool {
        // Its WebSocket sessions send text and binary messages only.
        target == Target::Json
    }

    fn launches(&self, start: &Start<'_>) -> Result<Launches> {
        let template = fs::read_to_string(script("tsung.xml"))?;
        let configuration = start.directory.join("tsung.xml");
        fs::write(&configuration, start.load.fill(&template, start.port))?;
        let logs = start.directory.join(LOGS);
        fs::create_dir_all(&logs)?;
        // Without a port mapper of its own, Erlang starts one that stays.
        let port = pick_free_port()?.to_string();
        let epmd = EPMD.path().context("epmd is not on this machine")?;
        let epmd = Launch::new(
            epmd,
            ["-port", &port, "-address", "127.0.0.1"],
            start.directory.join("epmd.log"),
        );
        let arguments = [
            "-n".to_owned(),
            "-f".to_owned(),
            configuration.display().to_string(),
            "-l".to_owned(),
            logs.display().to_string(),
            "-w".to_owned(),
            "0".to_owned(),
            "start".to_owned(),
        ];
        let program = TSUNG.path().context("tsung is not on this machine")?;
        let tool = Launch::new(program, arguments, start.directory.join("tsung.log"))
            .with_env("HOME", start.directory)
            .with_env("ERL_EPMD_PORT", port);
        Ok(Launches {
            tool,
            helpers: vec![epmd],
        })
    }

    fn latency(&self, directory: &Path) -> Result<Latency> {
        let mut folders = fs::read_dir(directory.join(LOGS))?;
        let folder = folders.next().context("Tsung wrote no log")??.path();
        let log = fs::read_to_string(folder.join("tsung.log")).context("Tsung wrote no log")?;
        parse(&log)
    }
}

/// Reads the last line about heartbeats, whose maximum is that of the whole run. Tsung has no
/// percentiles.
fn parse(log: &str) -> Result<Latency> {
    let mut lines = log.lines().rev();
    let line = lines
        .find_map(|line| line.strip_prefix(TRANSACTION))
        .context("Tsung's log has no heartbeats")?;
    let max = line
        .split(' ')
        .nth(MAX_FIELD)
        .and_then(|max| max.parse().ok());
    Ok(Latency {
        p99_ms: None,
        max_ms: Some(max.with_context(|| format!("unknown form of Tsung's line {line:?}"))?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maximum_of_the_run_is_read_from_a_real_log() {
        let latency = parse(include_str!("../../../../tests/peers/tsung.log")).unwrap();
        assert_eq!(latency.max_ms, Some(1479.674));
        assert_eq!(latency.p99_ms, None);
    }

    #[test]
    fn log_without_heartbeats_or_of_another_form_is_an_error() {
        assert!(parse("stats: users 180 180\n").is_err());
        assert!(parse("stats: tr_heartbeat 165 1.4\n").is_err());
    }
}
