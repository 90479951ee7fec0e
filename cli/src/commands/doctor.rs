//! `highwater doctor`, and the same check before a run.

use anyhow::anyhow;
use highwater_loadgen::doctor::{self, Finding, Fit, Limits, page};
use highwater_scenarios::Plan;

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
            print(&page::capacity(&limits));
            Ok(Exit::Passed)
        }
        Some(scenario) => {
            let set = args.set;
            judge(&check::load(&ScenarioArgs { scenario, set })?, &limits)
        }
    }
}

/// Refuses a run with local workers that this machine cannot carry, and notes
/// on stderr what may go wrong. Told to try, it notes everything and refuses
/// nothing.
pub(crate) fn preflight(
    plan: &Plan,
    workers: Option<u32>,
    try_anyway: bool,
) -> Result<(), Failure> {
    let fit = Fit::of(plan, workers, &doctor::read());
    for doubt in &fit.doubts {
        note(doubt);
    }
    let (first, others) = match fit.obstacles.split_first() {
        None => return Ok(()),
        Some((first, others)) => (first, others),
    };
    for other in others {
        note(other);
    }
    if try_anyway {
        note(first);
        return Ok(());
    }
    let error = anyhow!("this machine cannot run {}: {}", plan.name, first.what);
    let hint = format!(
        "{}\nTo run it all the same: --try-anyway",
        page::remedy(&first.remedy)
    );
    Err(Failure::new(Exit::Refused, error).with_hint(Some(hint)))
}

fn judge(plan: &Plan, limits: &Limits) -> Result<Exit, Failure> {
    let fit = Fit::of(plan, None, limits);
    print(&page::fit(&plan.name, &fit, limits));
    Ok(if fit.fits() {
        Exit::Passed
    } else {
        Exit::Refused
    })
}

fn note(finding: &Finding) {
    eprintln!("note: {}", finding.what);
}
