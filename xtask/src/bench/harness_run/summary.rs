//! The part of a run's summary that comparisons read.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::Deserialize;

/// A run's summary; `None` for what was not measured.
#[derive(Debug, Deserialize)]
pub(in crate::bench) struct Summary {
    pub(in crate::bench) commands: Option<Commands>,
    pub(in crate::bench) messages: Option<Messages>,
    pub(in crate::bench) telemetry: Option<Telemetry>,
    pub(in crate::bench) sockets: Sockets,
    pub(in crate::bench) brokers: Vec<Broker>,
    pub(in crate::bench) backplane: Option<Backplane>,
    pub(in crate::bench) cpu_cores: Cores,
}

/// The counts of commands.
#[derive(Debug, Deserialize)]
pub(in crate::bench) struct Commands {
    pub(in crate::bench) issued: u64,
    pub(in crate::bench) replied: u64,
    pub(in crate::bench) cross_node_ms: Option<Distribution>,
}

/// The counts of topic messages.
#[derive(Debug, Deserialize)]
pub(in crate::bench) struct Messages {
    pub(in crate::bench) due: u64,
    pub(in crate::bench) delivered: u64,
    pub(in crate::bench) latency_ms: Option<Distribution>,
}

/// The counts of telemetry records.
#[derive(Debug, Deserialize)]
pub(in crate::bench) struct Telemetry {
    pub(in crate::bench) due: u64,
    pub(in crate::bench) accepted: u64,
    pub(in crate::bench) duplicated: Option<u64>,
    pub(in crate::bench) redelivered: Option<u64>,
    pub(in crate::bench) lost: Option<u64>,
    /// The time until acceptance.
    pub(in crate::bench) response_ms: Distribution,
    /// The time until a consumer had handled the record.
    pub(in crate::bench) latency_ms: Option<Distribution>,
}

#[derive(Debug, Deserialize)]
pub(in crate::bench) struct Sockets {
    pub(in crate::bench) dropped: u64,
}

/// A broker's own counts.
#[derive(Debug, Deserialize)]
pub(in crate::bench) struct Broker {
    pub(in crate::bench) messages_in_per_s: Option<f64>,
}

/// The requests that a provider bills.
#[derive(Debug, Deserialize)]
pub(in crate::bench) struct Backplane {
    pub(in crate::bench) billed_per_idle_node_hour: Option<f64>,
    pub(in crate::bench) estimated_usd_per_million_commands: Option<f64>,
}

/// The cores in use during the steady phase.
#[derive(Debug, Deserialize)]
pub(in crate::bench) struct Cores {
    pub(in crate::bench) nodes: Option<f64>,
    pub(in crate::bench) consumers: Option<f64>,
    pub(in crate::bench) broker: Option<f64>,
}

/// A latency in milliseconds.
#[derive(Debug, Deserialize)]
pub(in crate::bench) struct Distribution {
    pub(in crate::bench) p50: Option<f64>,
    pub(in crate::bench) p99: Option<f64>,
    pub(in crate::bench) max: Option<f64>,
}

impl Summary {
    /// Reads the summary of a run record.
    ///
    /// # Errors
    /// A message if it is missing or lacks a field.
    pub(in crate::bench) fn read(record: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(record.join("summary.json")).context("the run wrote no summary")?;
        serde_json::from_str(&text).context("cannot read the summary")
    }
}
