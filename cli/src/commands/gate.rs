//! `highwater gate`.

use std::path::Path;

use highwater_reports::RunRecord;

use super::print;
use crate::{
    args::Gate,
    exit::{Exit, Failure, of_record},
};

/// Judges a run again from its record.
pub(crate) fn execute(args: Gate) -> Result<Exit, Failure> {
    judge(&args.run, args.baseline.as_deref())
}

/// Judges a run by its own gates and, where there is one, against a baseline.
pub(crate) fn judge(run: &Path, baseline: Option<&Path>) -> Result<Exit, Failure> {
    let record = read(run)?;
    let baseline = baseline.map(read).transpose()?;
    let summary = highwater_reports::judge(&record, baseline.as_ref());
    print(&highwater_reports::verdict_text(&summary));
    Ok(Exit::of(&summary))
}

fn read(run: &Path) -> Result<RunRecord, Failure> {
    highwater_reports::read(run).map_err(|error| Failure::new(of_record(&error), error))
}
