//! `highwater gate`.

use std::path::PathBuf;

use clap::Args;

use crate::{exit::Exit, failure::CliFailure, options::BaselineArgs, output::print_lossy};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater gate runs/20260102-030405-smoke
  highwater gate runs/after --baseline runs/before

Writes the judgement into junit.xml in the run's directory.
Exit codes: 0 passed, 3 failed, 4 inconclusive, 130 the run was interrupted.")]
pub(crate) struct GateArgs {
    /// The run's directory
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) baseline: BaselineArgs,
}

/// Judges a run again from its record, by its own gates and, where there is one, against a
/// baseline. `junit.xml` in the run's directory then holds this judgement.
pub(crate) fn execute(args: &GateArgs) -> Result<Exit, CliFailure> {
    let baseline = args.baseline.for_run(&args.run)?;
    let record = highwater_reports::read(&args.run)?;
    let baseline = baseline.map(highwater_reports::read).transpose()?;
    let summary = highwater_reports::evaluate(&record, baseline.as_ref());
    // Before the verdict is printed: a job reads the file if the exit code is not 0.
    highwater_reports::write_junit(&args.run, &summary)?;
    // The exit code is the verdict, also where its words cannot be written.
    print_lossy(&highwater_reports::verdict_text(&summary));
    Ok(Exit::for_summary(&summary))
}
