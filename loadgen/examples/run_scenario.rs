//! Runs a scenario from Rust and ends with its verdict.
//!
//! The coordinator starts its workers as `PROGRAM worker --connect ADDRESS`. This program
//! names itself as `PROGRAM`, so that it is both, as `highwater` is. A scenario with a
//! `[cluster]` needs the `highwater` binary there, which is also able to serve nodes.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
};

use highwater_loadgen::{
    coordinator::{self, LocalWorkers, RunOptions, TOKEN_VARIABLE, Update, Workers},
    worker::{self, WorkerOptions},
};
use highwater_reports::summary::Verdict;
use tokio_util::sync::CancellationToken;

const USAGE: &str = "usage: run_scenario SCENARIO OUT [PATH=VALUE]...";

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["worker", "--connect", coordinator] => {
            worker::run(WorkerOptions {
                coordinator: coordinator.parse()?,
                token: env::var(TOKEN_VARIABLE)?,
                bind: Vec::new(),
            })
            .await?;
            Ok(ExitCode::SUCCESS)
        }
        [scenario, out, ..] => run(Path::new(scenario), out.into(), arguments[2..].to_vec()).await,
        _ => Err(USAGE.into()),
    }
}

async fn run(scenario: &Path, out: PathBuf, sets: Vec<String>) -> Result<ExitCode, Box<dyn Error>> {
    // An error holds every problem of the file, each with its line.
    let plan = highwater_scenarios::load(scenario, &sets)?;
    println!("{} sockets for {:?}", plan.devices[0].count, plan.duration);

    let options = RunOptions {
        plan,
        scenario_text: std::fs::read_to_string(scenario)?,
        sets,
        out: out.clone(),
        exe: env::current_exe()?,
        workers: Workers::Local(LocalWorkers {
            count: Some(2),
            bind: Vec::new(),
        }),
        metrics_listen: None,
    };
    // Cancelled, it ends the run early and in order.
    let interrupt = CancellationToken::new();
    coordinator::run(options, interrupt, show).await?;

    // The report comes from the record alone; it can be written again at any time.
    let report = highwater_reports::write_report(&out)?;
    println!("{}", highwater_reports::verdict_text(&report.summary));
    println!("report  {}", report.html.display());
    Ok(match report.summary.verdict {
        Verdict::Passed => ExitCode::SUCCESS,
        Verdict::Failed | Verdict::Inconclusive => ExitCode::FAILURE,
    })
}

/// Shows the notes of a run, and its sockets once a second.
fn show(update: Update) {
    match update {
        Update::Note(note) => println!("{:.1?}  {}", note.at, note.text),
        Update::Progress(now) => println!("{:.1?}  {} sockets", now.at, now.sockets_open),
    }
}
