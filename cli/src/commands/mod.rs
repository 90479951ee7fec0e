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
mod report;
mod run;
mod serve;
mod signals;
mod worker;

use tokio::runtime::{Builder, Runtime};

use crate::{args::Command, exit::Exit, failure::Failure};

/// Does what was asked for.
pub(crate) fn execute(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => run::execute(args),
        Command::Check(args) => check::execute(&args),
        Command::Doctor(args) => doctor::execute(args),
        Command::Report(args) => report::execute(&args),
        Command::Compare(args) => compare::execute(&args),
        Command::Gate(args) => gate::execute(&args),
        Command::Serve(args) => serve::execute(args),
        Command::Coordinator(args) => coordinator::execute(args),
        Command::Worker(args) => worker::execute(args),
        Command::Completions(args) => completions::execute(&args),
        Command::Man(args) => man::execute(&args),
    }
}

/// A runtime with a thread for each processor.
fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Internal, error))
}

/// Text for the person who asked, on stdout. A reader that has gone away is no
/// error of ours.
fn print(text: &str) {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{}", text.trim_end());
    let _ = stdout.flush();
}

/// What is logged where `RUST_LOG` does not say. What the brokers' clients say of
/// themselves, the node says again with what it means.
const LOGGED: &str = "info,async_nats=off,lapin=off";

/// Logs go to stderr; `RUST_LOG` says which.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(LOGGED));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
}
