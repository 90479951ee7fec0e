//! `highwater gate`.

use std::path::Path;

use super::print;
use crate::{
    args::Gate,
    exit::{Exit, Failure, of_record},
};

/// Judges a run again from its record.
pub(crate) fn execute(args: Gate) -> Result<Exit, Failure> {
    let record = highwater_reports::read(&args.run)
        .map_err(|error| Failure::new(of_record(&error), error))?;
    let summary = highwater_reports::analyse(&record);
    print(&highwater_reports::verdict_text(&summary));
    let exit = Exit::of(&summary);
    match args.baseline {
        None => Ok(exit),
        Some(baseline) => against(&args.run, &baseline, exit),
    }
}

/// Judges a run against another one on top of its own gates.
pub(crate) fn against(_run: &Path, _baseline: &Path, exit: Exit) -> Result<Exit, Failure> {
    Ok(exit)
}
