//! `highwater run`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use highwater_loadgen::coordinator::{self, RunOptions, Workers};
use highwater_scenarios::Plan;
use tokio_util::sync::CancellationToken;

use super::{announce::announcement, check, doctor, matrix, print, runtime, signals::Requests};
use crate::{
    args::{RecordArgs, Run, ScenarioArgs},
    exit::Exit,
    failure::Failure,
    progress::Display,
};

/// One run: what it does, by whom, and where it is recorded.
pub(crate) struct OneRun<'r> {
    /// What it does.
    pub(crate) plan: Plan,
    /// The scenario file, for the record.
    pub(crate) file: &'r Path,
    /// `--set` arguments that lead from the file to the plan, for the record.
    pub(crate) sets: Vec<String>,
    /// Who puts on the load.
    pub(crate) workers: Workers,
    /// Directory of the record.
    pub(crate) out: &'r Path,
    /// Plain lines instead of a live display.
    pub(crate) is_plain: bool,
}

/// Runs a scenario with workers on this machine.
pub(crate) fn execute(args: Run) -> Result<Exit, Failure> {
    let scenario = check::load_matrix(&args.scenario)?;
    doctor::preflight(&scenario, args.workers, args.try_anyway)?;
    if !scenario.is_one_run() {
        return matrix::run(&scenario, &args);
    }
    let workers = Workers::Local {
        count: args.workers,
    };
    run(scenario.into_first(), &args.scenario, args.record, workers)
}

/// Runs the plan of a scenario, reports on it and judges it.
pub(crate) fn run(
    plan: Plan,
    scenario: &ScenarioArgs,
    record: RecordArgs,
    workers: Workers,
) -> Result<Exit, Failure> {
    let out = record.out.unwrap_or_else(|| default_out(&plan));
    OneRun {
        plan,
        file: &scenario.scenario,
        sets: scenario.set.clone(),
        workers,
        out: &out,
        is_plain: record.no_progress,
    }
    .record()?;
    report(&out, record.baseline.as_deref())
}

impl OneRun<'_> {
    /// Runs it to its end, in order or not, and leaves its record.
    pub(crate) fn record(self) -> Result<(), Failure> {
        let internal = |error: std::io::Error| Failure::new(Exit::Internal, error);
        let announcement = announcement(&self.plan, self.out);
        let options = RunOptions {
            scenario_text: fs::read_to_string(self.file).map_err(internal)?,
            sets: self.sets,
            out: self.out.to_owned(),
            exe: std::env::current_exe().map_err(internal)?,
            workers: self.workers,
            plan: self.plan,
        };
        eprintln!("{announcement}");
        let display = Display::new(self.is_plain).map_err(internal)?;
        let ended = runtime()?.block_on(async {
            let interrupt = CancellationToken::new();
            let requests = Requests::listen().map_err(internal)?;
            tokio::spawn(interrupted(requests, interrupt.clone()));
            let ended = coordinator::run(options, interrupt, |update| display.show(update)).await;
            ended.map_err(Failure::from)
        });
        drop(display);
        ended?;
        Ok(())
    }
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

/// Where a run of this plan goes that is not told where.
pub(crate) fn default_out(plan: &Plan) -> PathBuf {
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
