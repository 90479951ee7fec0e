//! `highwater report`.

use super::run;
use crate::{args::Report, exit::Exit, failure::Failure};

/// Draws the report again from the record.
pub(crate) fn execute(args: &Report) -> Result<Exit, Failure> {
    run::report(&args.run, None)?;
    Ok(Exit::Passed)
}
