//! `highwater report`.

use super::run;
use crate::{args::ReportArgs, exit::Exit, failure::CliFailure};

/// Draws the report again from the record.
pub(crate) fn execute(args: &ReportArgs) -> Result<Exit, CliFailure> {
    run::report(&args.run, None)?;
    Ok(Exit::Passed)
}
