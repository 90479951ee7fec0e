//! HTTP commands.

use super::run_window::RunWindow;
use crate::{
    record::names::{counter, latency},
    summary::CommandSummary,
};

/// The summary's `commands`; `None` when the scenario sends none.
///
/// What was issued and has no outcome is lost, whatever the reason: a worker
/// that died, or a record that just stops.
pub(crate) fn commands(cut: &RunWindow) -> Option<CommandSummary> {
    if cut.record.manifest.plan.commands.is_empty() {
        return None;
    }
    let issued = cut.counter_total(counter::COMMANDS_ISSUED);
    let mut commands = CommandSummary {
        due: cut.counter_total(counter::COMMANDS_DUE),
        dropped: cut.counter_total(counter::COMMANDS_DROPPED),
        issued,
        replied: cut.counter_total(counter::COMMANDS_REPLIED),
        timed_out: cut.counter_total(counter::COMMANDS_TIMED_OUT),
        not_connected: cut.counter_total(counter::COMMANDS_NOT_CONNECTED),
        rejected: cut.counter_total(counter::COMMANDS_REJECTED),
        failed: cut.counter_total(counter::COMMANDS_FAILED),
        lost: 0,
        response_ms: cut.distribution_of(latency::COMMAND_RESPONSE),
        service_ms: cut.distribution_of(latency::COMMAND_SERVICE),
        same_node_ms: cut.distribution_of(latency::COMMAND_SAME_NODE),
        cross_node_ms: cut.distribution_of(latency::COMMAND_CROSS_NODE),
    };
    commands.lost = issued.saturating_sub(outcomes(&commands));
    Some(commands)
}

/// Commands whose outcome is known.
pub(crate) fn outcomes(commands: &CommandSummary) -> u64 {
    commands.replied
        + commands.timed_out
        + commands.not_connected
        + commands.rejected
        + commands.failed
}
