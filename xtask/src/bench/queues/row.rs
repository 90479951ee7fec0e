//! The figures of one queue.

use std::time::Duration;

use anyhow::Result;

/// The most characters of a reason.
const MAX_REASON_CHARS: usize = 400;

/// A row of the table.
pub(super) struct Row {
    /// The name of the queue.
    pub(super) name: &'static str,
    /// The figures; `None` where nothing could be measured.
    pub(super) figures: Option<Figures>,
    /// The reasons why figures are missing.
    pub(super) problems: Vec<String>,
}

impl Row {
    /// Returns the result. An error becomes a reason, which is shown at once.
    pub(super) fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        let text = match result {
            Ok(value) => return Some(value),
            Err(error) => format!("{error:#}"),
        };
        // One line: the end of a log may be several.
        let words: Vec<&str> = text.split_whitespace().collect();
        let line: String = words.join(" ").chars().take(MAX_REASON_CHARS).collect();
        eprintln!("   {line}");
        self.problems.push(line);
        None
    }
}

/// The figures of a queue; `None` for those that were not measured.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Figures {
    /// The figures at a rate that the consumers keep up with.
    pub(super) steady: Option<Steady>,
    /// The figures at a rate that is too high.
    pub(super) throughput: Option<Throughput>,
    /// The effect of a consumer's death and return.
    pub(super) consumer_kill: Option<ConsumerKill>,
    /// The effect of the broker's death and return after five seconds.
    pub(super) broker_kill: Option<BrokerKill>,
}

/// The figures at a rate that the consumers keep up with.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Steady {
    /// The median time from when a record was due to when a consumer had handled it, in ms.
    pub(super) latency_p50_ms: Option<f64>,
    /// The 99th percentile of it, in ms.
    pub(super) latency_p99_ms: Option<f64>,
    /// The CPU time of both nodes for a thousand records, in ms.
    pub(super) nodes_ms_per_thousand: Option<f64>,
    /// The CPU time of all processes of the broker for a thousand records, in ms.
    pub(super) broker_ms_per_thousand: Option<f64>,
    /// The CPU time of both consumers for a thousand records, in ms.
    pub(super) consumers_ms_per_thousand: Option<f64>,
    /// The records handled after a later one of the same device.
    pub(super) out_of_order: u64,
    /// The records handled again.
    pub(super) duplicated: Option<u64>,
}

/// The figures at a rate that is too high.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Throughput {
    /// The records accepted per second.
    pub(super) accepted_per_s: f64,
    /// The records handled per second.
    pub(super) handled_per_s: f64,
}

/// The effect of a consumer's death, and of its return.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ConsumerKill {
    /// The longest time from when a record was due until it was handled; `None` where some were
    /// not.
    pub(super) longest_wait: Option<Duration>,
    /// The records handled that the queue marked as delivered before.
    pub(super) redelivered: Option<u64>,
    /// The records handled again.
    pub(super) duplicated: Option<u64>,
    /// The records accepted and never handled.
    pub(super) lost: Option<u64>,
    /// The longest time in which the group handled nothing after the consumer had come back.
    pub(super) join_pause: Duration,
}

/// The effect of the broker's death.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct BrokerKill {
    /// The longest time from when a record was due until it was accepted; `None` where some were
    /// not.
    pub(super) longest_acceptance: Option<Duration>,
    /// The records that were due and never accepted.
    pub(super) unaccepted: u64,
    /// The records handled again.
    pub(super) duplicated: Option<u64>,
    /// The records accepted and never handled.
    pub(super) lost: Option<u64>,
}
