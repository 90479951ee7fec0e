//! `highwater gate`.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::{exit::Exit, failure::CliFailure, output::print_foreign};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater gate runs/20260102-030405-smoke
  highwater gate runs/after --baseline runs/before

Exit codes: 0 passed, 3 failed, 4 inconclusive, 130 the run was interrupted.")]
pub(crate) struct GateArgs {
    /// The run's directory
    pub(crate) run: PathBuf,
    /// Judge against this run as well
    ///
    /// The directory of an earlier run. The verdict fails where a metric is
    /// worse than there by more than the noise within the two runs.
    #[arg(long, value_name = "RUN")]
    pub(crate) baseline: Option<PathBuf>,
}

/// Judges a run again from its record.
pub(crate) fn execute(args: &GateArgs) -> Result<Exit, CliFailure> {
    evaluate_gates(&args.run, args.baseline.as_deref())
}

/// Judges a run by its own gates and, where there is one, against a baseline.
pub(crate) fn evaluate_gates(run: &Path, baseline: Option<&Path>) -> Result<Exit, CliFailure> {
    let record = highwater_reports::read(run)?;
    let baseline = baseline.map(highwater_reports::read).transpose()?;
    let summary = highwater_reports::evaluate(&record, baseline.as_ref());
    print_foreign(&highwater_reports::verdict_text(&summary));
    Ok(Exit::for_summary(&summary))
}
