//! `highwater compare`.

use std::path::{Path, PathBuf};

use highwater_reports::MismatchPolicy;

use super::print;
use crate::{args::CompareArgs, exit::Exit, failure::CliFailure};

/// The default file name of the page.
const PAGE: &str = "comparison.html";

/// Sets runs side by side.
pub(crate) fn execute(args: &CompareArgs) -> Result<Exit, CliFailure> {
    let unlike = match args.anyway {
        true => MismatchPolicy::Warn,
        false => MismatchPolicy::Refuse,
    };
    let comparison = highwater_reports::compare(&args.runs, unlike)?;
    let page = args.out.clone().unwrap_or_else(|| beside(&args.runs));
    comparison.write_page(&page)?;
    if let Some(json) = &args.json {
        comparison.write_json(json)?;
    }
    print(&format!("{}\n{}", comparison.text(), page.display()));
    Ok(Exit::Passed)
}

fn beside(runs: &[PathBuf]) -> PathBuf {
    let first = runs.first().and_then(|run| run.parent());
    first.unwrap_or(Path::new("")).join(PAGE)
}
