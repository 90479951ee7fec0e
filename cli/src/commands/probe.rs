//! `highwater probe`.

use clap::Args;
use highwater_loadgen::{access::CertVerification, sampling::scrape::scrape};

use crate::{exit::Exit, failure::CliFailure, runtime::runtime};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater probe http://127.0.0.1:8080/readyz
      The health check of a container with a node or a gateway.
  highwater probe https://127.0.0.1:8443/healthz
      The certificate is not checked: it is for the host's name.

The exit code is 0 for a status from 200 to 299 within 800 ms, and 5 otherwise.")]
pub(crate) struct ProbeArgs {
    /// Address to get: http://HOST:PORT/PATH or https://…
    #[arg(value_parser = parse_url)]
    pub(crate) url: String,
}

/// Asks an endpoint of health once.
pub(crate) fn execute(args: &ProbeArgs) -> Result<Exit, CliFailure> {
    let client = CertVerification::Insecure
        .http_client(|client| client)
        .map_err(CliFailure::internal)?;
    match runtime()?.block_on(scrape(&client, &args.url)) {
        Ok(_) => Ok(Exit::Passed),
        Err(error) => Err(CliFailure::new(Exit::Refused, error)),
    }
}

fn parse_url(text: &str) -> Result<String, String> {
    let rest = ["http://", "https://"].map(|scheme| text.strip_prefix(scheme));
    match rest.into_iter().flatten().any(|rest| !rest.is_empty()) {
        true => Ok(text.to_owned()),
        false => Err("expected an address, such as http://127.0.0.1:8080/readyz".to_owned()),
    }
}
