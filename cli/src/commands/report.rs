//! `highwater report`.

use std::path::PathBuf;

use clap::Args;

use super::single_run;
use crate::{exit::Exit, failure::CliFailure, output::print_foreign};

#[derive(Debug, Args)]
#[command(after_help = "Example:
  highwater report runs/20260102-030405-smoke

Writes report.html, summary.json, junit.xml and charts/*.svg into the run's
directory, from its record alone: also for a run that was killed. The exit code
is 0 whatever the verdict; `highwater gate` judges.")]
pub(crate) struct ReportArgs {
    /// The run's directory
    pub(crate) run: PathBuf,
}

/// Draws the report again from the record.
pub(crate) fn execute(args: &ReportArgs) -> Result<Exit, CliFailure> {
    let (_, text) = single_run::write_report(&args.run, None)?;
    print_foreign(&text)?;
    Ok(Exit::Passed)
}
