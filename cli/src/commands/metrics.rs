//! `highwater metrics`.

use super::print;
use crate::{args::MetricsArgs, exit::Exit, failure::CliFailure};

/// Prints the list of all metrics.
pub(crate) fn execute(args: &MetricsArgs) -> Result<Exit, CliFailure> {
    let text = match args.json {
        false => highwater_reports::metrics_text(),
        true => highwater_reports::metrics_json()
            .map_err(|error| CliFailure::new(Exit::Internal, error))?,
    };
    print(&text);
    Ok(Exit::Passed)
}
