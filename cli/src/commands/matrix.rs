//! The runs of a scenario with several cells or with repeats, and their comparison.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::anyhow;
use highwater_loadgen::coordinator::{LocalWorkers, RunError, Workers};
use highwater_reports::{MismatchPolicy, RecordError, record::is_failed_start};
use highwater_scenarios::{Matrix, MatrixCell};

use super::{
    signals::Interrupt,
    single_run::{SingleRun, default_out, listen_for_interrupt},
};
use crate::{
    exit::Exit,
    failure::CliFailure,
    options::{RecordArgs, ScenarioArgs},
    output::print_lossy,
    stderr,
};

/// The file of the comparison, beside the runs' directories.
const PAGE: &str = "comparison.html";

/// The runs of a matrix, one after the other, until a run cannot start or the user stops it.
struct MatrixRuns<'r> {
    scenario: &'r ScenarioArgs,
    workers: LocalWorkers,
    is_plain: bool,
    metrics_listen: Option<SocketAddr>,
    text: String,
    interrupt: Interrupt,
    /// The directories of the runs that came to their end.
    finished: Vec<PathBuf>,
}

/// Runs every cell as often as the matrix says, and compares the runs. Returns the worst
/// of their exit codes. A run that cannot start, or an interrupt, ends the matrix; the
/// runs before it are compared.
pub(crate) fn run(
    matrix: &Matrix,
    scenario: &ScenarioArgs,
    record: &RecordArgs,
    workers: LocalWorkers,
) -> Result<Exit, CliFailure> {
    if record.baseline.baseline.is_some() {
        return Err(baseline_error(matrix));
    }
    let out = record.out.clone();
    let out = out.unwrap_or_else(|| default_out(&matrix.first().plan));
    ensure_empty(&out)?;
    let mut runs = MatrixRuns {
        scenario,
        workers,
        is_plain: record.no_progress,
        metrics_listen: record.metrics_listen,
        text: scenario.read_text()?,
        interrupt: listen_for_interrupt()?,
        finished: Vec::new(),
    };
    let ended = runs.run_all(matrix, &out);
    // The comparison comes before `?`, because finished runs are compared in any case.
    let compared = compare(&runs.finished, &out);
    let exit = ended?;
    compared?;
    Ok(exit)
}

impl MatrixRuns<'_> {
    /// Runs all cells, and returns the worst of their exit codes.
    fn run_all(&mut self, matrix: &Matrix, out: &Path) -> Result<Exit, CliFailure> {
        let mut worst = Exit::Passed;
        for (number, (name, cell)) in interleaved_runs(matrix).into_iter().enumerate() {
            // A signal between two runs, or while a report was drawn, ended no run.
            if self.interrupt.is_requested() {
                let runs = matrix.runs();
                stderr::print_line(&format!("interrupted: {number} of {runs} runs are over"));
                return Ok(Exit::Interrupted);
            }
            let (run, runs) = (number + 1, matrix.runs());
            stderr::print_line(&format!("run {run} of {runs}: {name}"));
            let dir = out.join(name);
            let exit = self.run_one(cell, &dir)?;
            // Not among the finished runs: a part of a run would distort the comparison.
            if exit == Exit::Interrupted {
                return Ok(exit);
            }
            self.finished.push(dir);
            worst = worse_exit(worst, exit);
        }
        Ok(worst)
    }

    /// Runs a cell once, writes its report, and prints its result in one line.
    fn run_one(&self, cell: &MatrixCell, dir: &Path) -> Result<Exit, CliFailure> {
        let settings = cell.settings.iter();
        let settings = settings.map(|setting| format!("cluster.{}={}", setting.key, setting.value));
        let given = self.scenario.set.iter().cloned();
        SingleRun {
            plan: cell.plan.clone(),
            scenario_text: &self.text,
            sets: given.chain(settings).collect(),
            workers: Workers::Local(self.workers.clone()),
            out: dir,
            is_plain: self.is_plain,
            metrics_listen: self.metrics_listen,
        }
        .run_and_record(&self.interrupt)?;
        let report = highwater_reports::write_report(dir)?;
        let exit = Exit::for_summary(&report.summary);
        let html = report.html.display();
        print_lossy(&format!("{:<12} {html}", exit_word(exit)));
        Ok(exit)
    }
}

/// Returns the names of the runs' directories in the order of the runs. The cells take
/// turns, so that a slow change of the machine affects all cells alike.
fn interleaved_runs(matrix: &Matrix) -> Vec<(String, &MatrixCell)> {
    let turns = 1..=matrix.repeat();
    let named = turns.flat_map(|turn| {
        matrix
            .cells()
            .map(move |cell| (run_dir_name(&cell.name, turn, matrix.repeat()), cell))
    });
    named.collect()
}

fn run_dir_name(cell: &str, turn: u32, turns: u32) -> String {
    match (cell, turns) {
        ("", _) => format!("run-{turn}"),
        (cell, 1) => cell.to_owned(),
        (cell, _) => format!("{cell}-{turn}"),
    }
}

/// Sets the runs side by side, if there are at least two.
fn compare(dirs: &[PathBuf], out: &Path) -> Result<(), CliFailure> {
    if dirs.len() < 2 {
        return Ok(());
    }
    // Cells may differ in several settings by design, which `compare` would refuse.
    let comparison = highwater_reports::compare(dirs, MismatchPolicy::Warn)?;
    let page = out.join(PAGE);
    comparison.write_page(&page)?;
    print_lossy(&format!("\n{}", comparison.text().trim_end()));
    print_lossy(&format!("\ncomparison  {}", page.display()));
    Ok(())
}

/// Refuses a directory with content before the first run, as a single run does. What failed
/// starts left is replaced.
fn ensure_empty(out: &Path) -> Result<(), CliFailure> {
    let entries = match fs::read_dir(out) {
        Ok(entries) => entries,
        // The first run creates it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(CliFailure::path("read", out, error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| CliFailure::path("read", out, error))?;
        if !is_failed_start(&entry.path()) {
            return Err(RunError::Record(RecordError::NotEmpty(out.to_owned())).into());
        }
    }
    Ok(())
}

fn baseline_error(matrix: &Matrix) -> CliFailure {
    let error = anyhow!(
        "--baseline judges one run, and this scenario has {}",
        matrix.runs()
    );
    let hint = "choose one: --set cluster.KEY=VALUE for each list of the matrix, and \
                --set matrix.repeat=1";
    CliFailure::new(Exit::Usage, error).with_hint(Some(hint))
}

/// Returns the worse of two exit codes.
fn worse_exit(first: Exit, second: Exit) -> Exit {
    // By severity and not by number: an inconclusive run (4) is milder than a failed gate (3).
    let rank = |exit| match exit {
        Exit::Passed => 0,
        Exit::Inconclusive => 1,
        Exit::GateFailed => 2,
        Exit::Refused | Exit::Usage | Exit::Internal | Exit::PipeClosed => 3,
        Exit::Interrupted => 4,
    };
    match rank(second) > rank(first) {
        true => second,
        false => first,
    }
}

fn exit_word(exit: Exit) -> &'static str {
    match exit {
        Exit::Passed => "passed",
        Exit::GateFailed => "failed",
        Exit::Inconclusive => "inconclusive",
        Exit::Interrupted => "interrupted",
        Exit::Internal | Exit::Usage | Exit::Refused | Exit::PipeClosed => "ended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(of_matrix: &str) -> Matrix {
        let text = format!(
            "name = \"cells\"\nduration = \"10s\"\n[cluster]\nbalancer = \"gateway\"\n\
             [[devices]]\nname = \"home\"\ncount = 10\nramp = \"10/s\"\n[matrix]\n{of_matrix}"
        );
        highwater_scenarios::parse_matrix("cells.toml", &text, &[]).unwrap()
    }

    fn names(of_matrix: &str) -> Vec<String> {
        let matrix = matrix(of_matrix);
        let runs = interleaved_runs(&matrix).into_iter();
        runs.map(|(name, _)| name).collect()
    }

    #[test]
    fn runs_of_the_cells_are_interleaved() {
        assert_eq!(
            names("policy = [\"p2c\", \"random\"]\nrepeat = 2\n"),
            ["p2c-1", "random-1", "p2c-2", "random-2"]
        );
        assert_eq!(names("policy = [\"p2c\", \"random\"]\n"), ["p2c", "random"]);
        assert_eq!(names("repeat = 3\n"), ["run-1", "run-2", "run-3"]);
    }

    #[test]
    fn worst_run_decides_the_exit_code() {
        assert_eq!(
            worse_exit(Exit::Passed, Exit::Inconclusive),
            Exit::Inconclusive
        );
        assert_eq!(
            worse_exit(Exit::GateFailed, Exit::Inconclusive),
            Exit::GateFailed
        );
        assert_eq!(
            worse_exit(Exit::GateFailed, Exit::Interrupted),
            Exit::Interrupted
        );
    }

    #[test]
    fn directory_with_content_is_refused_before_the_first_run() {
        let folder = tempfile::tempdir().unwrap();
        assert!(ensure_empty(&folder.path().join("new")).is_ok());
        assert!(ensure_empty(folder.path()).is_ok());
        fs::write(folder.path().join("notes"), "mine").unwrap();
        assert_eq!(ensure_empty(folder.path()).unwrap_err().exit(), Exit::Usage);
    }
}
