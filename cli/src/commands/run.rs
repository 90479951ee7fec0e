//! `highwater run`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use highwater_loadgen::coordinator::{self, RunOptions, Workers};
use highwater_scenarios::Plan;

use super::{announce::announcement, check, doctor, matrix, print, runtime, signals::Interrupt};
use crate::{
    args::{RecordArgs, RunArgs, ScenarioArgs},
    exit::Exit,
    failure::CliFailure,
    progress::ProgressDisplay,
};

/// One run: what it does, by whom, and where it is recorded.
pub(crate) struct SingleRun<'r> {
    /// The run's plan.
    pub(crate) plan: Plan,
    /// The scenario file as it was read, for the record.
    pub(crate) scenario_text: &'r str,
    /// `--set` arguments that lead from the file to the plan, for the record.
    pub(crate) sets: Vec<String>,
    /// The source of the workers.
    pub(crate) workers: Workers,
    /// Directory of the record.
    pub(crate) out: &'r Path,
    /// Plain lines instead of a live display.
    pub(crate) is_plain: bool,
}

/// Runs a scenario with workers on this machine.
pub(crate) fn execute(args: RunArgs) -> Result<Exit, CliFailure> {
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
) -> Result<Exit, CliFailure> {
    let out = record.out.unwrap_or_else(|| default_out(&plan));
    SingleRun {
        plan,
        scenario_text: &read_scenario_text(scenario)?,
        sets: scenario.set.clone(),
        workers,
        out: &out,
        is_plain: record.no_progress,
    }
    .run_and_record(&listen_for_interrupt()?)?;
    report(&out, record.baseline.as_deref())
}

impl SingleRun<'_> {
    /// Runs it to its end, in order or not, and leaves its record.
    pub(crate) fn run_and_record(self, interrupt: &Interrupt) -> Result<(), CliFailure> {
        let announcement = announcement(&self.plan, self.out);
        let options = RunOptions {
            scenario_text: self.scenario_text.to_owned(),
            sets: self.sets,
            out: self.out.to_owned(),
            exe: std::env::current_exe().map_err(internal)?,
            workers: self.workers,
            plan: self.plan,
        };
        eprintln!("{announcement}");
        let display = ProgressDisplay::new(self.is_plain).map_err(internal)?;
        let run = coordinator::run(options, interrupt.token(), |update| display.show(update));
        let ended = runtime()?.block_on(run);
        drop(display);
        ended?;
        Ok(())
    }
}

/// Draws the report, prints the verdict, and where report and record lie.
pub(crate) fn report(out: &Path, baseline: Option<&Path>) -> Result<Exit, CliFailure> {
    let report = match baseline {
        None => highwater_reports::write_report(out)?,
        Some(baseline) => highwater_reports::write_report_against(out, baseline)?,
    };
    print(&highwater_reports::verdict_text(&report.summary));
    let (html, record) = (report.html.display(), out.display());
    print(&format!("\nreport  {html}\nrecord  {record}"));
    Ok(Exit::for_summary(&report.summary))
}

/// Returns the directory of a run without `--out`: `runs/TIME-NAME`.
pub(crate) fn default_out(plan: &Plan) -> PathBuf {
    let time = chrono::Local::now().format("%Y%m%d-%H%M%S");
    Path::new("runs").join(format!("{time}-{}", plan.name))
}

/// Reads the scenario file once for all runs, so that an edit in the meantime does not
/// change what later records hold.
pub(super) fn read_scenario_text(scenario: &ScenarioArgs) -> Result<String, CliFailure> {
    fs::read_to_string(&scenario.scenario)
        .map_err(|error| CliFailure::path("read the scenario", &scenario.scenario, error))
}

/// Hears requests to end from here on.
pub(super) fn listen_for_interrupt() -> Result<Interrupt, CliFailure> {
    Interrupt::listen().map_err(internal)
}

fn internal(error: io::Error) -> CliFailure {
    CliFailure::new(Exit::Internal, error)
}
