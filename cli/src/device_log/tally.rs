//! The result of one device: what came, what did not, and the exit code.

use std::time::Duration;

use highwater_loadgen::{
    single_device::DeviceCounters,
    worker::observer::{FrameUse, SocketEvent},
};
use highwater_types::format;

use crate::exit::Exit;

/// Counters of answers that did not come, by the starts of their names.
const MISSING_ANSWERS: [(&str, &str); 3] = [
    ("heartbeats.missed", "heartbeats without an answer"),
    ("exchanges.timed_out", "messages without an answer"),
    ("frames.unanswered", "frames beyond the limit of answers"),
];

/// The events of a device, counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    opened_after: Option<Duration>,
    failed: Option<String>,
    lost: Option<String>,
    sent: u64,
    received: u64,
    unmatched: u64,
}

/// The result of a device.
#[derive(Debug)]
pub(crate) struct DeviceResult {
    /// The end in words, one line each.
    pub(crate) lines: Vec<String>,
    /// The exit code.
    pub(crate) exit: Exit,
}

impl Tally {
    /// Counts an event at this time since the start.
    pub(crate) fn count(&mut self, at: Duration, event: SocketEvent<'_>) {
        match event {
            SocketEvent::Opened => self.opened_after = Some(at),
            SocketEvent::Failed(kind) => self.failed = Some(kind.to_owned()),
            SocketEvent::Lost(kind) => self.lost = Some(kind.to_owned()),
            SocketEvent::Sent(_) => self.sent += 1,
            SocketEvent::Received(_) => self.received += 1,
            SocketEvent::Used(FrameUse::Unmatched) => self.unmatched += 1,
            _ => {}
        }
    }

    /// Returns the result. `counters` are those of the worker.
    pub(crate) fn result(&self, counters: &DeviceCounters) -> DeviceResult {
        let missing = missing(counters);
        let opened = match (&self.failed, self.opened_after) {
            (Some(kind), _) => format!("not opened: connect.failed.{kind}"),
            (None, Some(after)) => format!("opened after {}", format::duration(after)),
            (None, None) => "not opened: the time was over before".to_owned(),
        };
        let mut lines = vec![
            opened,
            format!(
                "{} sent, {} received, {} of them for no rule",
                frames(self.sent),
                frames(self.received),
                format::count(self.unmatched)
            ),
        ];
        lines.extend(heartbeats(counters));
        lines.extend(missing.iter().cloned());
        if let Some(kind) = &self.lost {
            lines.push(format!("lost: disconnect.{kind}"));
        }
        DeviceResult {
            lines,
            exit: match (self.opened_after, &self.failed, &self.lost) {
                (None, ..) | (_, Some(_), _) => Exit::Refused,
                (_, _, Some(_)) => Exit::GateFailed,
                _ if !missing.is_empty() => Exit::GateFailed,
                _ => Exit::Passed,
            },
        }
    }
}

fn frames(count: u64) -> String {
    let noun = if count == 1 { "frame" } else { "frames" };
    format!("{} {noun}", format::count(count))
}

fn heartbeats(counters: &DeviceCounters) -> Option<String> {
    let count = |name: &str| counters.get(name).copied().unwrap_or_default();
    let due = count("heartbeats.due");
    let acknowledged = count("heartbeats.acknowledged");
    let one_way = count("heartbeats.one_way");
    (due > 0).then(|| match one_way {
        0 => format!(
            "heartbeats: {} due, {} acknowledged",
            format::count(due),
            format::count(acknowledged)
        ),
        _ => format!(
            "heartbeats: {} sent; no answer to them is declared",
            format::count(one_way)
        ),
    })
}

/// Returns what did not come, in words.
fn missing(counters: &DeviceCounters) -> Vec<String> {
    let found = counters.iter().filter_map(|(name, count)| {
        let (_, about) = MISSING_ANSWERS
            .iter()
            .find(|(known, _)| name.starts_with(known))?;
        (*count > 0).then(|| format!("{about}: {}", format::count(*count)))
    });
    let subscriptions = unconfirmed_subscriptions(counters).into_iter();
    found.chain(subscriptions).collect()
}

fn unconfirmed_subscriptions(counters: &DeviceCounters) -> Option<String> {
    let count = |name: &str| counters.get(name).copied().unwrap_or_default();
    let asked = count("subscriptions.asked");
    let missing = asked.saturating_sub(count("subscriptions.confirmed"));
    (missing > 0).then(|| {
        format!(
            "subscriptions without a confirmation: {}",
            format::count(missing)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(counts: &[(&str, u64)]) -> DeviceCounters {
        let counts = counts.iter();
        counts
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    }

    fn opened() -> Tally {
        let mut tally = Tally::default();
        tally.count(Duration::from_millis(12), SocketEvent::Opened);
        tally
    }

    #[test]
    fn open_socket_with_all_answers_passes() {
        let counters = counters(&[("heartbeats.due", 2), ("heartbeats.acknowledged", 2)]);
        let result = opened().result(&counters);
        assert_eq!(result.exit, Exit::Passed);
        assert_eq!(result.lines[0], "opened after 12ms");
        assert_eq!(result.lines[2], "heartbeats: 2 due, 2 acknowledged");
    }

    #[test]
    fn missing_answer_or_a_lost_socket_fails_and_a_closed_door_is_refused() {
        let missed = opened().result(&counters(&[("heartbeats.missed", 1)]));
        assert_eq!(missed.exit, Exit::GateFailed);
        assert!(
            missed
                .lines
                .contains(&"heartbeats without an answer: 1".to_owned())
        );

        let asked = counters(&[("subscriptions.asked", 2), ("subscriptions.confirmed", 1)]);
        let unconfirmed = opened().result(&asked);
        assert_eq!(unconfirmed.exit, Exit::GateFailed);
        let line = "subscriptions without a confirmation: 1".to_owned();
        assert!(unconfirmed.lines.contains(&line));

        let mut lost = opened();
        lost.count(Duration::from_secs(1), SocketEvent::Lost("reset"));
        assert_eq!(lost.result(&counters(&[])).exit, Exit::GateFailed);
        assert_eq!(Tally::default().result(&counters(&[])).exit, Exit::Refused);
    }
}
