//! `highwater gate`.

use std::path::Path;

use super::print;
use crate::{args::Gate, exit::Exit, failure::Failure};

/// Judges a run again from its record.
pub(crate) fn execute(args: &Gate) -> Result<Exit, Failure> {
    judge(&args.run, args.baseline.as_deref())
}

/// Judges a run by its own gates and, where there is one, against a baseline.
pub(crate) fn judge(run: &Path, baseline: Option<&Path>) -> Result<Exit, Failure> {
    let record = highwater_reports::read(run)?;
    let baseline = baseline.map(highwater_reports::read).transpose()?;
    let summary = highwater_reports::judge(&record, baseline.as_ref());
    print(&highwater_reports::verdict_text(&summary));
    Ok(Exit::of(&summary))
}
