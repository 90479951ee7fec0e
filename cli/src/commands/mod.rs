//! One file for each command; [`announce`] says what a run will do, [`signals`] is
//! what asks one to end.

mod announce;
mod check;
mod compare;
mod completions;
mod coordinator;
mod doctor;
mod gate;
mod man;
mod matrix;
mod metrics;
mod report;
mod run;
mod serve;
mod signals;
mod worker;

use tokio::runtime::{Builder, Runtime};

use crate::{args::CliCommand, exit::Exit, failure::CliFailure};

/// Does what was asked for.
pub(crate) fn execute(command: CliCommand) -> Result<Exit, CliFailure> {
    match command {
        CliCommand::Run(args) => run::execute(args),
        CliCommand::Check(args) => check::execute(&args),
        CliCommand::Doctor(args) => doctor::execute(args),
        CliCommand::Report(args) => report::execute(&args),
        CliCommand::Compare(args) => compare::execute(&args),
        CliCommand::Gate(args) => gate::execute(&args),
        CliCommand::Metrics(args) => metrics::execute(&args),
        CliCommand::Serve(args) => serve::execute(args),
        CliCommand::Coordinator(args) => coordinator::execute(args),
        CliCommand::Worker(args) => worker::execute(args),
        CliCommand::Completions(args) => completions::execute(&args),
        CliCommand::Man(args) => man::execute(&args),
    }
}

/// A runtime with a thread for each processor.
fn runtime() -> Result<Runtime, CliFailure> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliFailure::new(Exit::Internal, error))
}

/// Prints a result on stdout. A closed pipe is ignored, because the reader wanted no
/// more.
fn print(text: &str) {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{}", text.trim_end());
    let _ = stdout.flush();
}

/// The log filter when `RUST_LOG` is unset. The clients of the brokers are silenced,
/// because the node logs the same events with their consequence.
const DEFAULT_LOG_FILTER: &str = "info,async_nats=off,lapin=off";

/// Logs go to stderr; `RUST_LOG` says which.
fn init_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(DEFAULT_LOG_FILTER));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
}
