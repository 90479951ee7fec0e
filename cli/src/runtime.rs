//! The tokio runtime of a command, and its log.

use tokio::runtime::{Builder, Runtime};

use crate::{failure::CliFailure, stderr::StderrWriter};

/// The log filter when `RUST_LOG` is unset. The clients of the brokers are silenced,
/// because the node logs the same events with their consequence.
const DEFAULT_LOG_FILTER: &str = "info,async_nats=off,lapin=off";

/// Builds a runtime with a thread for each CPU core.
pub(crate) fn runtime() -> Result<Runtime, CliFailure> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(CliFailure::internal)
}

/// Starts the log on stderr; `RUST_LOG` selects its lines.
pub(crate) fn init_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(DEFAULT_LOG_FILTER));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        // The harness appends this log to a file and quotes its last lines in errors.
        .with_ansi(false)
        // Stdout carries results, and the line `listening on ADDRESS` that scripts read.
        .with_writer(|| StderrWriter)
        // Otherwise it prints an event that it cannot format, and panics without a reader.
        .log_internal_errors(false)
        .init();
}
