//! The bus between a coordinator and workers on many machines.

use std::{fs, path::PathBuf};

use anyhow::anyhow;
use clap::Args;
use highwater_loadgen::bus::{BusOptions, RunId};
use highwater_types::{BrokerUrl, redact_passwords};

use crate::{exit::Exit, failure::CliFailure};

// Flattened last, because the heading holds for every option behind it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Bus")]
pub(crate) struct BusArgs {
    /// NATS server with JetStream, nats://[USER:PASSWORD@]HOST or tls://HOST;
    /// several servers of one cluster are HOST,HOST
    ///
    /// A token is nats://TOKEN@HOST. An address with a secret is better given by
    /// the variable: a command line can be read by every user of the machine.
    // Checked after it is parsed, because an error of the parser would show a password.
    #[arg(
        long,
        value_name = "URL",
        env = "HIGHWATER_BUS",
        hide_env_values = true
    )]
    bus: Option<String>,
    /// File of NATS credentials (.creds)
    #[arg(
        long,
        value_name = "FILE",
        env = "HIGHWATER_BUS_CREDENTIALS",
        hide_env_values = true
    )]
    bus_credentials: Option<PathBuf>,
    /// Authorities in PEM that sign the certificates of a tls:// bus [default: those of
    /// the machine]
    #[arg(
        long,
        value_name = "FILE",
        env = "HIGHWATER_BUS_CA",
        hide_env_values = true
    )]
    bus_ca: Option<PathBuf>,
}

impl BusArgs {
    /// Returns the bus; `None` where none is given.
    pub(crate) fn options(self) -> Result<Option<BusOptions>, CliFailure> {
        let Some(text) = self.bus else {
            return Ok(None);
        };
        let parsed = BrokerUrl::parse(&text);
        let url = parsed.map_err(|error| {
            let text = redact_passwords(&text).into_owned();
            let hint = "the form is nats://[USER:PASSWORD@]HOST[:PORT]";
            CliFailure::new(Exit::Usage, anyhow!("invalid bus {text}: {error}"))
                .with_hint(Some(hint))
        })?;
        let url = match &self.bus_ca {
            None => url,
            Some(path) => {
                let pem = fs::read_to_string(path);
                let pem =
                    pem.map_err(|error| CliFailure::path("read the authorities", path, error))?;
                url.with_ca(pem.into())
            }
        };
        Ok(Some(BusOptions {
            url,
            credentials: self.bus_credentials,
        }))
    }

    /// Returns the bus of a command that needs one.
    pub(crate) fn required(self) -> Result<BusOptions, CliFailure> {
        self.options()?.ok_or_else(|| {
            CliFailure::new(Exit::Usage, anyhow!("no bus is given")).with_hint(Some(
                "name a NATS server: --bus nats://HOST, or HIGHWATER_BUS",
            ))
        })
    }
}

/// Parses the name of a run.
pub(crate) fn parse_run(text: &str) -> Result<RunId, String> {
    text.parse().map_err(|error| format!("{error}"))
}
