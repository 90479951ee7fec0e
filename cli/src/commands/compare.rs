//! `highwater compare`.

use std::path::{Path, PathBuf};

use clap::Args;
use highwater_reports::MismatchPolicy;

use crate::{exit::Exit, failure::CliFailure, output::print_foreign};

/// The default file name of the page.
const PAGE: &str = "comparison.html";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater compare runs/before runs/after
  highwater compare --out policies.html runs/round-robin-* runs/p2c-*

Runs of the same settings are repeats: their figures are means with intervals.
If all settings are the same, repeats are numbered: before-1 before-2 after-1.")]
pub(crate) struct CompareArgs {
    /// The runs' directories; the others are compared with the first
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// File of the comparison page
    ///
    /// One HTML file that opens offline. The default is comparison.html beside the
    /// first run's directory. An existing file is replaced.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Write the metrics as JSON as well
    ///
    /// Means and their intervals, what differs, and what is more than noise: for
    /// a job that reads them.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Compare runs that are different things all the same
    ///
    /// Runs that differ in more than one setting, ran on different machines or did
    /// not come to their end are refused. With this option, they are compared with a
    /// warning.
    #[arg(long)]
    pub(crate) anyway: bool,
}

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
    print_foreign(&format!("{}\n{}", comparison.text(), page.display()))?;
    Ok(Exit::Passed)
}

fn beside(runs: &[PathBuf]) -> PathBuf {
    let first = runs.first().and_then(|run| run.parent());
    first.unwrap_or(Path::new("")).join(PAGE)
}
