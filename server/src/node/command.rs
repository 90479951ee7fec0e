//! A command of a caller: its bounds, its way to the device, and its outcome.

use std::sync::Arc;

use axum::http::StatusCode;
use tokio::time::Instant;

use super::Node;
use crate::{
    api::ApiError,
    cluster::command::{CommandFailure, send_command},
    id::NodeId,
    message::{CommandReply, CommandRequest},
};

/// A command in flight at this node. It is counted until it is dropped, and then with
/// exactly one outcome, even if the caller disconnects.
pub(super) struct InFlightCommand {
    pub(super) node: Arc<Node>,
    outcome: &'static str,
}

impl InFlightCommand {
    /// Counts a command, unless the limit is reached.
    pub(super) fn begin(node: &Arc<Node>) -> Result<Self, ApiError> {
        let metrics = &node.metrics;
        // Requests that are counted at the same time may exceed the limit by the number of
        // workers.
        if metrics.in_flight.get() >= node.sessions.limits.commands_in_flight as i64 {
            metrics.commands.with_label_values(&["rejected"]).inc();
            return Err(ApiError::unavailable(
                "too many commands are in flight here",
                "try again",
            ));
        }
        metrics.in_flight.inc();
        Ok(Self {
            node: Arc::clone(node),
            // Stays if the handler's future is dropped: the caller has disconnected.
            outcome: "abandoned",
        })
    }

    pub(super) fn finish(mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for InFlightCommand {
    fn drop(&mut self) {
        let metrics = &self.node.metrics;
        metrics.in_flight.dec();
        metrics.commands.with_label_values(&[self.outcome]).inc();
    }
}

/// Sends a command. Returns the owner and the JSON text of the device's reply, or the
/// error for the caller.
pub(super) async fn run_command(
    in_flight: InFlightCommand,
    command: CommandRequest,
    deadline: Instant,
) -> Result<(NodeId, String), ApiError> {
    let outcome = send_command(&in_flight.node.cluster, command, deadline).await;
    let (label, result) = response_for(outcome);
    in_flight.finish(label);
    result
}

/// Returns the metric label and the answer of an outcome. This is the only table of a
/// command's statuses; `docs/protocol.md` shows the same.
fn response_for(
    outcome: Result<CommandReply, CommandFailure>,
) -> (&'static str, Result<(NodeId, String), ApiError>) {
    let (label, error) = match outcome {
        Ok(CommandReply::Replied { owner, body }) => return ("replied", Ok((owner, body))),
        // `Unknown` leads to a broadcast, so it is the outcome of no command.
        Ok(CommandReply::NotConnected | CommandReply::Unknown) => (
            "not_connected",
            ApiError::new(
                StatusCode::NOT_FOUND,
                "the device is not connected",
                "send the command again when it is",
            ),
        ),
        Ok(CommandReply::Disconnected { owner }) => (
            "not_connected",
            ApiError::new(
                StatusCode::NOT_FOUND,
                "the device's connection ended before it replied",
                "it may have acted; send the command again when it is back",
            )
            .owner(owner),
        ),
        Ok(CommandReply::Replaced { owner }) => (
            "replaced",
            ApiError::new(
                StatusCode::CONFLICT,
                "a newer connection of the device took over before it replied",
                "it may have acted; send the command again",
            )
            .owner(owner),
        ),
        Ok(CommandReply::Busy { owner }) => (
            "rejected",
            ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too many commands wait for this device",
                "send them more slowly",
            )
            .retry_after(1)
            .owner(owner),
        ),
        Err(CommandFailure::QueueFull) => (
            "rejected",
            ApiError::unavailable("the queue to the other nodes is full", "try again"),
        ),
        Err(CommandFailure::Unreachable) => (
            "rejected",
            ApiError::unavailable("the other nodes cannot be reached", "try again"),
        ),
        Err(CommandFailure::OwnerLost { owner }) => (
            "timed_out",
            ApiError::new(
                StatusCode::GATEWAY_TIMEOUT,
                "the node that owned the device left the cluster before it replied",
                "the device may have acted; send the command again when it is back",
            )
            .owner(owner),
        ),
        Err(CommandFailure::TimedOut { owner }) => (
            "timed_out",
            ApiError::new(
                StatusCode::GATEWAY_TIMEOUT,
                "no reply by the deadline",
                "X-Highwater-Timeout-Ms sets it, up to 60000",
            )
            .owner(owner),
        ),
    };
    (label, Err(error))
}
