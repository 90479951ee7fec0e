//! `highwater run`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use highwater_loadgen::coordinator::{self, RunOptions, Workers};
use highwater_scenarios::Plan;

use super::{announce::announcement, check, doctor, matrix, print, runtime, signals::Interrupt};
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
    /// The scenario file as it was read, for the record.
    pub(crate) text: &'r str,
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
        text: &text_of(scenario)?,
        sets: scenario.set.clone(),
        workers,
        out: &out,
        is_plain: record.no_progress,
    }
    .record(&listen()?)?;
    report(&out, record.baseline.as_deref())
}

impl OneRun<'_> {
    /// Runs it to its end, in order or not, and leaves its record.
    pub(crate) fn record(self, interrupt: &Interrupt) -> Result<(), Failure> {
        let announcement = announcement(&self.plan, self.out);
        let options = RunOptions {
            scenario_text: self.text.to_owned(),
            sets: self.sets,
            out: self.out.to_owned(),
            exe: std::env::current_exe().map_err(internal)?,
            workers: self.workers,
            plan: self.plan,
        };
        eprintln!("{announcement}");
        let display = Display::new(self.is_plain).map_err(internal)?;
        let run = coordinator::run(options, interrupt.token(), |update| display.show(update));
        let ended = runtime()?.block_on(run);
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

/// The scenario file, read once for all runs: their records say the same, whoever edits
/// it meanwhile.
pub(super) fn text_of(scenario: &ScenarioArgs) -> Result<String, Failure> {
    fs::read_to_string(&scenario.scenario)
        .map_err(|error| Failure::path("read the scenario", &scenario.scenario, error))
}

/// Hears requests to end from here on.
pub(super) fn listen() -> Result<Interrupt, Failure> {
    Interrupt::listen().map_err(internal)
}

fn internal(error: io::Error) -> Failure {
    Failure::new(Exit::Internal, error)
}
