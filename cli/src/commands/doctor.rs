//! `highwater doctor`, and the same check before a run.

use anyhow::anyhow;
use highwater_loadgen::doctor::{self, Finding, Fit, Limits, report_text};
use highwater_scenarios::Matrix;

use super::{check, print};
use crate::{
    args::{Doctor, ScenarioArgs},
    exit::Exit,
    failure::Failure,
};

/// Says what this machine can hold, or whether a scenario fits it.
pub(crate) fn execute(args: Doctor) -> Result<Exit, Failure> {
    let limits = doctor::read();
    match args.scenario {
        None => {
            print(&report_text::capacity(&limits));
            Ok(Exit::Passed)
        }
        Some(scenario) => {
            let set = args.set;
            judge(
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
) -> Result<(), Failure> {
    let limits = doctor::read();
    let (mut doubts, mut obstacles) = (Vec::new(), Vec::new());
    for cell in matrix.cells() {
        let fit = Fit::of(&cell.plan, workers, &limits);
        add_new(&mut doubts, fit.doubts);
        add_new(&mut obstacles, fit.obstacles);
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
    let error = anyhow!("this machine cannot run {name}: {}", first.what);
    let hint = format!(
        "{}\nTo run it all the same: --try-anyway",
        report_text::remedy(&first.remedy)
    );
    Err(Failure::new(Exit::Refused, error).with_hint(Some(hint)))
}

/// What several cells have in common is said once.
fn add_new(findings: &mut Vec<Finding>, found: Vec<Finding>) {
    for finding in found {
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
}

/// Of several cells the first that does not fit, or else the first.
fn judge(matrix: &Matrix, limits: &Limits) -> Result<Exit, Failure> {
    let mut fits = matrix
        .cells()
        .map(|cell| (cell, Fit::of(&cell.plan, None, limits)));
    let first = matrix.first();
    let (cell, fit) = fits
        .find(|(_, fit)| !fit.fits())
        .unwrap_or_else(|| (first, Fit::of(&first.plan, None, limits)));
    print(&report_text::fit(&cell.plan.name, &fit, limits));
    Ok(if fit.fits() {
        Exit::Passed
    } else {
        Exit::Refused
    })
}

fn note(finding: &Finding) {
    eprintln!("note: {}", finding.what);
}
