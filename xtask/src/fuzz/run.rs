//! Targets, several at a time.

use std::{fmt, num::NonZero, thread};

use anyhow::{Result, bail};
use clap::Args;
use parking_lot::Mutex;

use super::target::{self, FuzzTarget};

/// The targets to fuzz, and the time for each.
#[derive(Args)]
pub(crate) struct FuzzOptions {
    /// Files in fuzz/fuzz_targets, without their ending; without any, all
    targets: Vec<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Targets that run at the same time [default: the number of CPU cores]
    #[arg(long)]
    jobs: Option<NonZero<usize>>,
}

/// Builds the targets, runs each to its end whatever the others find, and says how many
/// executions each made; an error if one found something.
pub(crate) fn run(options: &FuzzOptions) -> Result<()> {
    let targets = target::select_targets(&options.targets)?;
    target::build(&targets)?;
    let jobs = options
        .jobs
        .or_else(|| thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, NonZero::get).min(targets.len());
    let rows = run_all(targets, jobs, options.seconds);
    let table = ResultsTable {
        rows: &rows,
        seconds: options.seconds,
    };
    eprintln!("{table}");
    let failed: Vec<_> = rows
        .iter()
        .filter(|row| row.executions.is_none())
        .map(|row| row.target.as_str())
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    bail!(
        "not clean: {}; hint: put what was found into fuzz/seeds/TARGET, where the tests \
         will run it as well",
        failed.join(", ")
    )
}

/// The result of one target.
struct TargetResult {
    target: String,
    /// `None` where it found something or did not run.
    executions: Option<u64>,
}

fn run_all(targets: Vec<FuzzTarget>, jobs: usize, seconds: u32) -> Vec<TargetResult> {
    let (waiting, rows) = (Mutex::new(targets.into_iter()), Mutex::new(Vec::new()));
    let next = || {
        let mut waiting = waiting.lock();
        waiting.next()
    };
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(target) = next() {
                    let row = run_one(&target, seconds);
                    rows.lock().push(row);
                }
            });
        }
    });
    let mut rows = rows.into_inner();
    rows.sort_by(|a, b| a.target.cmp(&b.target));
    rows
}

fn run_one(target: &FuzzTarget, seconds: u32) -> TargetResult {
    let ran = target.run(seconds);
    match &ran {
        Ok(executions) => eprintln!("{target:18} {executions} executions, no finding"),
        Err(error) => eprintln!("{target:18} {error:#}"),
    }
    TargetResult {
        target: target.to_string(),
        executions: ran.ok(),
    }
}

/// The results as a Markdown table, as in docs/conformance.md.
struct ResultsTable<'a> {
    rows: &'a [TargetResult],
    seconds: u32,
}

impl fmt::Display for ResultsTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n| target | executions in {} s |", self.seconds)?;
        writeln!(f, "|---|---|")?;
        for TargetResult { target, executions } in self.rows {
            match executions {
                Some(executions) => writeln!(f, "| `{target}` | {executions} |")?,
                None => writeln!(f, "| `{target}` | not clean |")?,
            }
        }
        let all: u64 = self.rows.iter().filter_map(|row| row.executions).sum();
        write!(f, "| all | {all} |")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_for_the_documents() {
        let row = |target: &str, executions| TargetResult {
            target: target.to_owned(),
            executions,
        };
        let rows = [row("tokens", Some(40)), row("ws_frames", None)];
        let table = ResultsTable {
            rows: &rows,
            seconds: 600,
        };
        assert_eq!(
            table.to_string(),
            "\n| target | executions in 600 s |\n|---|---|\n\
             | `tokens` | 40 |\n| `ws_frames` | not clean |\n| all | 40 |"
        );
    }
}
