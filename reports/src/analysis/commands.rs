//! HTTP commands to devices.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{distribution::Distribution, run_window::RunWindow};
use crate::record::names::{counter, latency};

/// The summary's `commands`: counts over the whole run, times over the steady phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the metric registry describes each field")]
pub struct CommandSummary {
    pub due: u64,
    pub dropped: u64,
    #[serde(default)]
    pub no_device: u64,
    pub issued: u64,
    pub replied: u64,
    pub timed_out: u64,
    pub not_connected: u64,
    pub rejected: u64,
    pub failed: u64,
    pub lost: u64,
    pub response_ms: Distribution,
    pub service_ms: Distribution,
    pub same_node_ms: Distribution,
    pub cross_node_ms: Distribution,
}

/// Computes the section; `None` when the scenario sends no commands.
pub(super) fn commands(window: &RunWindow) -> Option<CommandSummary> {
    if window.record.manifest.plan.commands.is_empty() {
        return None;
    }
    // A command counts where its row lies, so a window may hold an outcome of an earlier one.
    let issued = window.counter_total(counter::COMMANDS_ISSUED);
    let mut commands = CommandSummary {
        due: window.counter_total(counter::COMMANDS_DUE),
        dropped: window.counter_total(counter::COMMANDS_DROPPED),
        no_device: window.counter_total(counter::COMMANDS_NO_DEVICE),
        issued,
        replied: window.counter_total(counter::COMMANDS_REPLIED),
        timed_out: window.counter_total(counter::COMMANDS_TIMED_OUT),
        not_connected: window.counter_total(counter::COMMANDS_NOT_CONNECTED),
        rejected: window.counter_total(counter::COMMANDS_REJECTED),
        failed: window.counter_total(counter::COMMANDS_FAILED),
        lost: 0,
        response_ms: window.distribution_of(latency::COMMAND_RESPONSE),
        service_ms: window.distribution_of(latency::COMMAND_SERVICE),
        same_node_ms: window.distribution_of(latency::COMMAND_SAME_NODE),
        cross_node_ms: window.distribution_of(latency::COMMAND_CROSS_NODE),
    };
    // A worker that died or a truncated record leaves commands without an outcome. Counting
    // them by subtraction keeps `issued` equal to the sum of all outcomes.
    commands.lost = issued.saturating_sub(commands.known_outcomes());
    Some(commands)
}

impl CommandSummary {
    /// The number of commands whose outcome is known.
    pub(super) fn known_outcomes(&self) -> u64 {
        self.replied + self.timed_out + self.not_connected + self.rejected + self.failed
    }
}
