//! `highwater gate`.

use std::path::Path;

use super::print;
use crate::{args::GateArgs, exit::Exit, failure::CliFailure};

/// Judges a run again from its record.
pub(crate) fn execute(args: &GateArgs) -> Result<Exit, CliFailure> {
    evaluate_gates(&args.run, args.baseline.as_deref())
}

/// Judges a run by its own gates and, where there is one, against a baseline.
pub(crate) fn evaluate_gates(run: &Path, baseline: Option<&Path>) -> Result<Exit, CliFailure> {
    let record = highwater_reports::read(run)?;
    let baseline = baseline.map(highwater_reports::read).transpose()?;
    let summary = highwater_reports::evaluate(&record, baseline.as_ref());
    print(&highwater_reports::verdict_text(&summary));
    Ok(Exit::for_summary(&summary))
}
