//! `highwater run`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use highwater_loadgen::coordinator::{self, RunOptions, Workers};
use highwater_scenarios::Plan;
use tokio_util::sync::CancellationToken;

use super::{announce::announcement, check, doctor, print, runtime, signals::Requests};
use crate::{
    args::{RecordArgs, Run, ScenarioArgs},
    exit::Exit,
    failure::Failure,
    progress::Display,
};

/// Runs a scenario with workers on this machine.
pub(crate) fn execute(args: Run) -> Result<Exit, Failure> {
    let plan = check::load(&args.scenario)?;
    doctor::preflight(&plan, args.workers, args.try_anyway)?;
    let workers = Workers::Local {
        count: args.workers,
    };
    run(plan, &args.scenario, args.record, workers)
}

/// Runs the plan of a scenario, reports on it and judges it.
pub(crate) fn run(
    plan: Plan,
    scenario: &ScenarioArgs,
    record: RecordArgs,
    workers: Workers,
) -> Result<Exit, Failure> {
    let internal = |error: std::io::Error| Failure::new(Exit::Internal, error);
    let out = record.out.unwrap_or_else(|| default_out(&plan));
    let announcement = announcement(&plan, &out);
    let options = RunOptions {
        scenario_text: fs::read_to_string(&scenario.scenario).map_err(internal)?,
        sets: scenario.set.clone(),
        out: out.clone(),
        exe: std::env::current_exe().map_err(internal)?,
        workers,
        plan,
    };
    eprintln!("{announcement}");
    let display = Display::new(record.no_progress).map_err(internal)?;
    let ended = runtime()?.block_on(async {
        let interrupt = CancellationToken::new();
        let requests = Requests::listen().map_err(internal)?;
        tokio::spawn(interrupted(requests, interrupt.clone()));
        let ended = coordinator::run(options, interrupt, |update| display.show(update)).await;
        ended.map_err(Failure::from)
    });
    drop(display);
    ended?;
    report(&out, record.baseline.as_deref())
}

/// Draws the report, prints the verdict, and where report and record lie.
pub(crate) fn report(out: &Path, baseline: Option<&Path>) -> Result<Exit, Failure> {
    let report = match baseline {
        None => highwater_reports::write_report(out)?,
        Some(baseline) => highwater_reports::write_report_against(out, baseline)?,
    };
    print(&highwater_reports::verdict_text(&report.summary));
    let (html, record) = (report.html.display(), out.display());
    print(&format!("\nreport  {html}\nrecord  {record}"));
    Ok(Exit::of(&report.summary))
}

fn default_out(plan: &Plan) -> PathBuf {
    let time = chrono::Local::now().format("%Y%m%d-%H%M%S");
    Path::new("runs").join(format!("{time}-{}", plan.name))
}

/// The first signal brings the run to an end in order, the second ends it.
async fn interrupted(mut requests: Requests, interrupt: CancellationToken) {
    requests.next().await;
    interrupt.cancel();
    requests.next().await;
    std::process::exit(Exit::Interrupted as i32);
}
