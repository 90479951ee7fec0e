//! `highwater compare`.

use super::print;
use crate::{args::Compare, exit::Exit, failure::Failure};

/// Sets runs side by side.
pub(crate) fn execute(args: &Compare) -> Result<Exit, Failure> {
    print(&highwater_reports::compare(&args.runs)?);
    Ok(Exit::Passed)
}
