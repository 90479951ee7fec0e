//! The part of a run's summary that the comparison reads.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::Deserialize;

/// A run's summary; `None` for what was not measured.
#[derive(Debug, Deserialize)]
pub(super) struct Summary {
    pub(super) commands: Option<Commands>,
    pub(super) messages: Option<Messages>,
    pub(super) sockets: Sockets,
    pub(super) brokers: Vec<Broker>,
    pub(super) backplane: Option<Backplane>,
    pub(super) cpu_cores: Cores,
}

/// The counts of commands.
#[derive(Debug, Deserialize)]
pub(super) struct Commands {
    pub(super) issued: u64,
    pub(super) replied: u64,
    pub(super) cross_node_ms: Option<Distribution>,
}

/// The counts of topic messages.
#[derive(Debug, Deserialize)]
pub(super) struct Messages {
    pub(super) due: u64,
    pub(super) delivered: u64,
    pub(super) latency_ms: Option<Distribution>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Sockets {
    pub(super) dropped: u64,
}

/// A broker's own counts.
#[derive(Debug, Deserialize)]
pub(super) struct Broker {
    pub(super) messages_in_per_s: Option<f64>,
}

/// The requests that a provider bills.
#[derive(Debug, Deserialize)]
pub(super) struct Backplane {
    pub(super) billed_per_idle_node_hour: Option<f64>,
    pub(super) estimated_usd_per_million_commands: Option<f64>,
}

/// The cores in use during the steady phase.
#[derive(Debug, Deserialize)]
pub(super) struct Cores {
    pub(super) nodes: Option<f64>,
    pub(super) broker: Option<f64>,
}

/// A latency in milliseconds.
#[derive(Debug, Deserialize)]
pub(super) struct Distribution {
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
}

impl Summary {
    /// Reads the summary of a run record.
    ///
    /// # Errors
    /// A message if it is missing or lacks a field.
    pub(super) fn read(record: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(record.join("summary.json")).context("the run wrote no summary")?;
        serde_json::from_str(&text).context("cannot read the summary")
    }
}
