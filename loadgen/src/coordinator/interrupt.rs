//! The interrupt of a run that has not started yet.

use tokio_util::sync::CancellationToken;

use super::error::RunError;

/// Waits for a step of the start, unless a person interrupts it.
pub(super) async fn unless_interrupted<T>(
    interrupt: &CancellationToken,
    step: impl Future<Output = Result<T, RunError>>,
) -> Result<T, RunError> {
    tokio::select! {
        done = step => done,
        () = interrupt.cancelled() => Err(RunError::Interrupted),
    }
}
