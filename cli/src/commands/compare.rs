//! `highwater compare`.

use super::print;
use crate::{
    args::Compare,
    exit::{Exit, Failure, of_record},
};

/// Sets runs side by side.
pub(crate) fn execute(args: Compare) -> Result<Exit, Failure> {
    let text = highwater_reports::compare(&args.runs)
        .map_err(|error| Failure::new(of_record(&error), error))?;
    print(&text);
    Ok(Exit::Passed)
}
