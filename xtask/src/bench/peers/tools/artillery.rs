//! Artillery, where a person has installed it with npm.

use std::path::Path;

use anyhow::{Context, Result};
use highwater_process::Launch;
use highwater_services::ARTILLERY;

use super::{Launches, Start, Tool, printed_version, script};
use crate::bench::peers::{latency::Latency, target::Target};

pub(super) const NAME: &str = "Artillery";

/// Artillery, in one process.
pub(super) struct Artillery;

impl Tool for Artillery {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> Option<String> {
        printed_version(&ARTILLERY.path()?, "--version")
    }

    fn supports(&self, target: Target) -> bool {
        // Its WebSocket engine sends messages only.
        target == Target::Json
    }

    fn launches(&self, start: &Start<'_>) -> Result<Launches> {
        let load = start.load;
        let program = ARTILLERY
            .path()
            .context("artillery is not on this machine")?;
        let arguments = [
            "run".to_owned(),
            script("artillery.yml").display().to_string(),
        ];
        let launch = Launch::new(program, arguments, start.directory.join("artillery.log"))
            .with_env("URL", load.url(start.port))
            .with_env("SOCKETS", load.sockets.to_string())
            .with_env("RAMP", load.interval.as_secs().to_string())
            .with_env("INTERVAL", load.interval.as_secs().to_string())
            .with_env("HEARTBEATS", load.heartbeats_per_socket().to_string())
            .with_env("ARTILLERY_DISABLE_TELEMETRY", "true");
        Ok(launch.into())
    }

    fn latency(&self, _directory: &Path) -> Result<Latency> {
        // The engine counts messages, and has no latency of them.
        Ok(Latency::default())
    }
}
