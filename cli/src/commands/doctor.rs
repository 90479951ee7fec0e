//! `highwater doctor`, and the same check before a run.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use highwater_loadgen::{
    coordinator::LocalWorkers,
    doctor::{self, HostLimits, PreflightFinding, PreflightReport, report_text},
};
use highwater_scenarios::Matrix;

use crate::{
    exit::Exit,
    failure::CliFailure,
    options::{BindArgs, ScenarioArgs},
    output::print,
    stderr,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  highwater doctor
      The most sockets this machine can open, and which setting to change.
  highwater doctor scenarios/idle-10k.toml
  highwater doctor scenarios/idle-10k.toml --set devices.home.count=100000
  highwater doctor remote.toml --bind 192.0.2.10-192.0.2.19
      Whether a scenario fits, how many workers it takes, and why.

Nothing is started or changed. The exit code is 0 where the scenario fits, 5
where it does not, 2 where it is invalid. `run` does the same check first.")]
pub(crate) struct DoctorArgs {
    /// Judge this scenario instead (TOML)
    pub(crate) scenario: Option<PathBuf>,
    /// Change a value of the scenario; may be repeated
    ///
    /// The form is that of `highwater run --set`.
    #[arg(long, value_name = "PATH=VALUE", requires = "scenario")]
    pub(crate) set: Vec<String>,
    #[command(flatten)]
    pub(crate) bind: BindArgs,
}

/// Prints the limits of this machine, or whether a scenario fits it.
pub(crate) fn execute(args: DoctorArgs) -> Result<Exit, CliFailure> {
    let limits = doctor::read_host_limits();
    let workers = LocalWorkers {
        count: None,
        bind: args.bind.into_local_addresses()?,
    };
    match args.scenario {
        None if !workers.bind.is_empty() => Err(CliFailure::new(
            Exit::Usage,
            anyhow!("--bind needs a scenario: ports are counted for each address of its target"),
        )),
        None => {
            print(&report_text::capacity_text(&limits))?;
            Ok(Exit::Passed)
        }
        Some(scenario) => {
            let set = args.set;
            let scenario = ScenarioArgs { scenario, set };
            check_scenario(&scenario.load_matrix()?, &workers, &limits)
        }
    }
}

/// Refuses runs with local workers that exceed a limit of this machine, and notes
/// warnings on stderr. With `try_anyway` it notes everything and refuses nothing.
pub(crate) fn preflight(
    matrix: &Matrix,
    workers: &LocalWorkers,
    try_anyway: bool,
) -> Result<(), CliFailure> {
    let limits = doctor::read_host_limits();
    let (mut warnings, mut failures) = (Vec::new(), Vec::new());
    for cell in matrix.cells() {
        let fit = PreflightReport::check(&cell.plan, workers, &limits);
        add_new(&mut warnings, fit.warnings);
        add_new(&mut failures, fit.failures);
    }
    warnings.iter().for_each(note);
    let Some((first, others)) = failures.split_first() else {
        return Ok(());
    };
    // An error has one hint, so the other failures are notes.
    others.iter().for_each(note);
    if try_anyway {
        note(first);
        return Ok(());
    }
    let name = &matrix.first().plan.name;
    let error = anyhow!("this machine cannot run {name}: {}", first.message);
    let hint = format!(
        "{}\nTo run it all the same: --try-anyway",
        report_text::fix_text(&first.fix)
    );
    Err(CliFailure::new(Exit::Refused, error).with_hint(Some(hint)))
}

/// Adds the findings that are not in the list yet. Cells of a matrix share most of them.
fn add_new(findings: &mut Vec<PreflightFinding>, found: Vec<PreflightFinding>) {
    for finding in found {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
}

/// Reports on the first cell that does not fit; if all fit, on the first cell.
fn check_scenario(
    matrix: &Matrix,
    workers: &LocalWorkers,
    limits: &HostLimits,
) -> Result<Exit, CliFailure> {
    let mut fits = matrix
        .cells()
        .map(|cell| (cell, PreflightReport::check(&cell.plan, workers, limits)));
    let first = matrix.first();
    let (cell, fit) = fits
        .find(|(_, fit)| !fit.fits())
        .unwrap_or_else(|| (first, PreflightReport::check(&first.plan, workers, limits)));
    let printed = print(&report_text::preflight_text(&cell.plan.name, &fit, limits));
    // A refusal stands in the exit code, also where its words are lost.
    match fit.fits() {
        true => printed.map(|()| Exit::Passed),
        false => Ok(Exit::Refused),
    }
}

fn note(finding: &PreflightFinding) {
    stderr::print_line(&format!("note: {}", finding.message));
}
