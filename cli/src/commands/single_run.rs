//! One run, from its plan to its record and its report.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use highwater_loadgen::coordinator::{self, RunOptions, Workers};
use highwater_scenarios::Plan;
use highwater_types::format::visible;

use super::{announce::announcement, signals::Interrupt};
use crate::{
    exit::Exit,
    failure::CliFailure,
    options::{RecordArgs, ScenarioArgs},
    output::print_lossy,
    progress::ProgressDisplay,
    runtime::runtime,
    stderr,
};

/// One run, with its plan, its workers and its record.
pub(crate) struct SingleRun<'r> {
    /// The run's plan.
    pub(crate) plan: Plan,
    /// The text of the scenario file. The record keeps it.
    pub(crate) scenario_text: &'r str,
    /// The `--set` arguments that changed the scenario. The record keeps them.
    pub(crate) sets: Vec<String>,
    /// The workers: local processes, or remote ones that join.
    pub(crate) workers: Workers,
    /// The directory of the record.
    pub(crate) out: &'r Path,
    /// Whether plain lines replace the live display.
    pub(crate) is_plain: bool,
    /// The address at which the run's metrics are scraped, if there is one.
    pub(crate) metrics_listen: Option<SocketAddr>,
}

/// Runs the plan of a scenario and writes the report. Returns the verdict as an exit code.
pub(crate) fn run(
    plan: Plan,
    scenario: &ScenarioArgs,
    record: &RecordArgs,
    workers: Workers,
) -> Result<Exit, CliFailure> {
    let baseline = record.baseline.for_plan(&plan)?;
    let out = record.out.clone();
    let out = out.unwrap_or_else(|| default_out(&plan));
    SingleRun {
        plan,
        scenario_text: &scenario.read_text()?,
        sets: scenario.set.clone(),
        workers,
        out: &out,
        is_plain: record.no_progress,
        metrics_listen: record.metrics_listen,
    }
    .run_and_record(&listen_for_interrupt()?)?;
    let (exit, text) = write_report(&out, baseline)?;
    // The exit code and the files say the same.
    print_lossy(&text);
    Ok(exit)
}

impl SingleRun<'_> {
    /// Runs to the end or until an interrupt, and writes the record.
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
            metrics_listen: self.metrics_listen,
        };
        // On stderr, because stdout carries the verdict and the paths.
        stderr::print_line(&visible(&announcement));
        let display = ProgressDisplay::new(self.is_plain).map_err(CliFailure::internal)?;
        let run = coordinator::run(options, interrupt.token(), |update| display.show(update));
        // Each run has its own runtime, whose end also ends tasks that the run left behind.
        let result = runtime()?.block_on(run);
        // The display and an error of the run share stderr, so the display ends first.
        drop(display);
        result?;
        Ok(())
    }
}

/// Writes the report. Returns the verdict as an exit code, and in words with the paths of
/// report and record.
pub(crate) fn write_report(
    out: &Path,
    baseline: Option<&Path>,
) -> Result<(Exit, String), CliFailure> {
    let report = match baseline {
        None => highwater_reports::write_report(out)?,
        Some(baseline) => highwater_reports::write_report_against(out, baseline)?,
    };
    let verdict = highwater_reports::verdict_text(&report.summary);
    let (html, record) = (report.html.display(), out.display());
    let text = format!("{verdict}\nreport  {html}\nrecord  {record}");
    Ok((Exit::for_summary(&report.summary), text))
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
