//! Parts of the scenario of which nothing happened, so that the run says nothing about them.
//!
//! `target_failures` finds what the target did not do. This file finds what was never asked of
//! it, and what had no outcome yet when the run ended: such a run does not pass.

use highwater_types::format;

use super::{harness::HarnessHealth, run_window::RunWindow, summary::Summary};
use crate::record::RunEnd;

/// Returns the parts of the scenario about which the run says nothing, in words.
pub(super) fn nothing_happened(
    window: &RunWindow,
    summary: &Summary,
    harness: &HarnessHealth,
) -> Vec<String> {
    // A run that was cut short, or that lost a worker, is inconclusive already.
    if summary.ended != RunEnd::Completed || harness.worker_lost {
        return Vec::new();
    }
    let checks = [
        no_socket_due(window, summary),
        no_heartbeat_settled(summary),
        no_command_issued(summary),
        no_exchange_sent(summary),
        no_message_sent(summary),
        no_telemetry_sent(summary),
    ];
    checks.into_iter().flatten().collect()
}

fn no_socket_due(window: &RunWindow, summary: &Summary) -> Option<String> {
    let pools = window.record.manifest.plan.devices.iter();
    let planned: u64 = pools.map(|pool| pool.count).sum();
    (planned > 0 && summary.sockets.requested == 0).then(|| {
        format!(
            "none of the {} became due",
            format::plural(planned, "socket")
        )
    })
}

/// Heartbeats without an outcome are those of the last period. If no other was due, the run
/// was too short to tell a server that answers from one that does not.
fn no_heartbeat_settled(summary: &Summary) -> Option<String> {
    let heartbeats = &summary.heartbeats;
    // Those without a declared answer have no other outcome than to be sent.
    let settled = heartbeats.acknowledged + heartbeats.missed + heartbeats.one_way;
    (heartbeats.due > 0 && settled == 0).then(|| {
        format!(
            "the run ended before one of {} was answered or missed",
            format::plural(heartbeats.due, "heartbeat")
        )
    })
}

fn no_command_issued(summary: &Summary) -> Option<String> {
    let commands = summary.commands.as_ref()?;
    // Commands that found no device are the target's failure.
    (commands.issued == 0 && commands.no_device == 0).then(|| match commands.due {
        0 => "no command became due".to_owned(),
        due => format!("none of {} due was issued", format::plural(due, "command")),
    })
}

fn no_exchange_sent(summary: &Summary) -> Option<String> {
    let exchanges = summary.exchanges.as_ref()?;
    // Messages that found no device are the target's failure.
    (exchanges.sent == 0 && exchanges.no_device == 0).then(|| match exchanges.due {
        0 => "no message of a device became due".to_owned(),
        due => format!("none of {} due was sent", format::plural(due, "message")),
    })
}

fn no_message_sent(summary: &Summary) -> Option<String> {
    let messages = summary.messages.as_ref()?;
    (messages.scheduled == messages.dropped).then(|| match messages.scheduled {
        0 => "no message became due".to_owned(),
        due => format!("none of {} due was sent", format::plural(due, "message")),
    })
}

fn no_telemetry_sent(summary: &Summary) -> Option<String> {
    let telemetry = summary.telemetry.as_ref()?;
    (telemetry.sent == 0).then(|| match telemetry.due {
        0 => "no telemetry record became due".to_owned(),
        due => format!(
            "none of {} due was sent",
            format::plural(due, "telemetry record")
        ),
    })
}
