//! HTTP commands.

use super::run_window::Cut;
use crate::{
    record::names::{counter, latency},
    summary::Commands,
};

/// The summary's `commands`; `None` when the scenario sends none.
///
/// What was issued and has no outcome is lost, whatever the reason: a worker
/// that died, or a record that just stops.
pub(crate) fn commands(cut: &Cut) -> Option<Commands> {
    if cut.record.manifest.plan.commands.is_empty() {
        return None;
    }
    let issued = cut.count(counter::COMMANDS_ISSUED);
    let mut commands = Commands {
        due: cut.count(counter::COMMANDS_DUE),
        dropped: cut.count(counter::COMMANDS_DROPPED),
        issued,
        replied: cut.count(counter::COMMANDS_REPLIED),
        timed_out: cut.count(counter::COMMANDS_TIMED_OUT),
        not_connected: cut.count(counter::COMMANDS_NOT_CONNECTED),
        rejected: cut.count(counter::COMMANDS_REJECTED),
        failed: cut.count(counter::COMMANDS_FAILED),
        lost: 0,
        response_ms: cut.times(latency::COMMAND_RESPONSE),
        service_ms: cut.times(latency::COMMAND_SERVICE),
        same_node_ms: cut.times(latency::COMMAND_SAME_NODE),
        cross_node_ms: cut.times(latency::COMMAND_CROSS_NODE),
    };
    commands.lost = issued.saturating_sub(outcomes(&commands));
    Some(commands)
}

/// Commands whose outcome is known.
pub(crate) fn outcomes(commands: &Commands) -> u64 {
    commands.replied
        + commands.timed_out
        + commands.not_connected
        + commands.rejected
        + commands.failed
}
