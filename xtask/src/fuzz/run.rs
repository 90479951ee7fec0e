//! The run of several targets at a time.

use std::{num::NonZero, thread};

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

/// Builds the targets, runs each to its end, and prints the number of executions of each.
/// Returns an error if one of them found something.
pub(crate) fn run(options: &FuzzOptions) -> Result<()> {
    let targets = target::select_targets(&options.targets)?;
    target::build(&targets)?;
    let jobs = options
        .jobs
        .or_else(|| thread::available_parallelism().ok());
    let jobs = jobs.map_or(1, NonZero::get).min(targets.len());
    let rows = run_all(targets, jobs, options.seconds);
    eprintln!("{}", results_table(&rows, options.seconds));
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
    /// `None` if it found something or did not run.
    executions: Option<u64>,
}

fn run_all(targets: Vec<FuzzTarget>, jobs: usize, seconds: u32) -> Vec<TargetResult> {
    let (waiting, rows) = (Mutex::new(targets.into_iter()), Mutex::new(Vec::new()));
    // A closure, so that the lock ends with it and not with the loop's body.
    let next = || waiting.lock().next();
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
    // The targets end in any order.
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

/// Returns the results as a Markdown table, as in docs/conformance.md.
fn results_table(rows: &[TargetResult], seconds: u32) -> String {
    let mut table = format!("\n| target | executions in {seconds} s |\n|---|---|\n");
    for TargetResult { target, executions } in rows {
        let executions = executions.map_or_else(|| "not clean".to_owned(), |n| n.to_string());
        table.push_str(&format!("| `{target}` | {executions} |\n"));
    }
    let all: u64 = rows.iter().filter_map(|row| row.executions).sum();
    table + &format!("| all | {all} |")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_lists_each_target_and_the_sum() {
        let row = |target: &str, executions| TargetResult {
            target: target.to_owned(),
            executions,
        };
        let rows = [row("tokens", Some(40)), row("ws_frames", None)];
        assert_eq!(
            results_table(&rows, 600),
            "\n| target | executions in 600 s |\n|---|---|\n\
             | `tokens` | 40 |\n| `ws_frames` | not clean |\n| all | 40 |"
        );
    }
}
