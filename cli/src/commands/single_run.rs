//! One run: from a plan over its record to its report.

use std::path::{Path, PathBuf};

use highwater_loadgen::coordinator::{self, RunOptions, Workers};
use highwater_scenarios::Plan;

use super::{announce::announcement, signals::Interrupt};
use crate::{
    exit::Exit,
    failure::CliFailure,
    options::{RecordArgs, ScenarioArgs},
    output::{print, print_foreign},
    progress::ProgressDisplay,
    runtime::runtime,
    stderr,
};

/// One run, with its plan, its workers and its record.
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
    /// Whether plain lines replace the live display.
    pub(crate) is_plain: bool,
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
        scenario_text: &scenario.read_text()?,
        sets: scenario.set.clone(),
        workers,
        out: &out,
        is_plain: record.no_progress,
    }
    .run_and_record(&listen_for_interrupt()?)?;
    report(&out, record.baseline.as_deref())
}

impl SingleRun<'_> {
    /// Runs until the end or an interrupt, and leaves the record.
    pub(crate) fn run_and_record(self, interrupt: &Interrupt) -> Result<(), CliFailure> {
        let announcement = announcement(&self.plan, self.out);
        let options = RunOptions {
            scenario_text: self.scenario_text.to_owned(),
            sets: self.sets,
            out: self.out.to_owned(),
            // Workers, nodes and gateways are this binary with another command.
            exe: std::env::current_exe().map_err(CliFailure::internal)?,
            workers: self.workers,
            plan: self.plan,
        };
        // On stderr, because stdout carries the verdict and the paths.
        stderr::print_line(&announcement);
        let display = ProgressDisplay::new(self.is_plain).map_err(CliFailure::internal)?;
        let run = coordinator::run(options, interrupt.token(), |update| display.show(update));
        // A runtime for each run: its end also ends the tasks that the run left.
        let ended = runtime()?.block_on(run);
        // The display and an error of the run share stderr, so the display ends first.
        drop(display);
        ended?;
        Ok(())
    }
}

/// Writes the report, and prints the verdict and the paths of report and record.
pub(crate) fn report(out: &Path, baseline: Option<&Path>) -> Result<Exit, CliFailure> {
    let report = match baseline {
        None => highwater_reports::write_report(out)?,
        Some(baseline) => highwater_reports::write_report_against(out, baseline)?,
    };
    print_foreign(&highwater_reports::verdict_text(&report.summary));
    let (html, record) = (report.html.display(), out.display());
    print(&format!("\nreport  {html}\nrecord  {record}"));
    Ok(Exit::for_summary(&report.summary))
}

/// Returns the directory of a run without `--out`: `runs/TIME-NAME`.
pub(crate) fn default_out(plan: &Plan) -> PathBuf {
    let time = chrono::Local::now().format("%Y%m%d-%H%M%S");
    Path::new("runs").join(format!("{time}-{}", plan.name))
}

/// Starts to receive the signals that stop a run.
pub(super) fn listen_for_interrupt() -> Result<Interrupt, CliFailure> {
    Interrupt::listen().map_err(CliFailure::internal)
}
