//! `highwater report` and `highwater compare`.

use super::{print, run};
use crate::{
    args::{Compare, Report},
    exit::{Exit, Failure},
};

/// Draws the report again from the record.
pub fn execute(args: Report) -> Result<Exit, Failure> {
    run::report(&args.run, None)?;
    Ok(Exit::Passed)
}

/// Sets runs side by side.
pub fn compare(args: Compare) -> Result<Exit, Failure> {
    let text = highwater_reports::compare(&args.runs)
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    print(&text);
    Ok(Exit::Passed)
}
