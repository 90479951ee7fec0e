//! `highwater metrics`.

use clap::Args;

use crate::{exit::Exit, failure::CliFailure, output::print};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater metrics | grep ^heartbeats
      Path, unit, the way in which it is better, meaning.
  highwater metrics --json

A gate of a scenario names a metric by its path, such as
heartbeats.response.p99 <= 50ms.")]
pub(crate) struct MetricsArgs {
    /// Print JSON: path, unit, better, windowed, meaning
    #[arg(long)]
    pub(crate) json: bool,
}

/// Prints the list of all metrics.
pub(crate) fn execute(args: &MetricsArgs) -> Result<Exit, CliFailure> {
    let text = match args.json {
        false => highwater_reports::metrics_text(),
        true => highwater_reports::metrics_json().map_err(CliFailure::internal)?,
    };
    print(&text)?;
    Ok(Exit::Passed)
}
