//! `highwater doctor`, and the same check before a run.

use anyhow::anyhow;
use highwater_loadgen::doctor::{self, HostLimits, PreflightFinding, PreflightReport, report_text};
use highwater_scenarios::Matrix;

use super::{check, print};
use crate::{
    args::{DoctorArgs, ScenarioArgs},
    exit::Exit,
    failure::CliFailure,
};

/// Says what this machine can hold, or whether a scenario fits it.
pub(crate) fn execute(args: DoctorArgs) -> Result<Exit, CliFailure> {
    let limits = doctor::read_host_limits();
    match args.scenario {
        None => {
            print(&report_text::capacity_text(&limits));
            Ok(Exit::Passed)
        }
        Some(scenario) => {
            let set = args.set;
            check_scenario(
                &check::load_matrix(&ScenarioArgs { scenario, set })?,
                &limits,
            )
        }
    }
}

/// Refuses runs with local workers that this machine cannot carry, and notes
/// on stderr what may go wrong. Told to try, it notes everything and refuses
/// nothing.
pub(crate) fn preflight(
    matrix: &Matrix,
    workers: Option<u32>,
    try_anyway: bool,
) -> Result<(), CliFailure> {
    let limits = doctor::read_host_limits();
    let (mut doubts, mut obstacles) = (Vec::new(), Vec::new());
    for cell in matrix.cells() {
        let fit = PreflightReport::check(&cell.plan, workers, &limits);
        add_new(&mut doubts, fit.warnings);
        add_new(&mut obstacles, fit.failures);
    }
    doubts.iter().for_each(note);
    let Some((first, others)) = obstacles.split_first() else {
        return Ok(());
    };
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
fn check_scenario(matrix: &Matrix, limits: &HostLimits) -> Result<Exit, CliFailure> {
    let mut fits = matrix
        .cells()
        .map(|cell| (cell, PreflightReport::check(&cell.plan, None, limits)));
    let first = matrix.first();
    let (cell, fit) = fits
        .find(|(_, fit)| !fit.fits())
        .unwrap_or_else(|| (first, PreflightReport::check(&first.plan, None, limits)));
    print(&report_text::preflight_text(&cell.plan.name, &fit, limits));
    Ok(if fit.fits() {
        Exit::Passed
    } else {
        Exit::Refused
    })
}

fn note(finding: &PreflightFinding) {
    eprintln!("note: {}", finding.message);
}
