//! Brokers of the backplane and of telemetry: their processes and their traffic.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    growth::growth_per_s,
    processes::{ProcessSummary, process_summary},
    run_window::RunWindow,
    source_series::SourceSeries,
};
use crate::record::{SourceRole, names::gauge};

/// A broker of the backplane or of telemetry; `null` where the broker does not report a count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BrokerSummary {
    /// Process of the broker.
    #[serde(flatten)]
    pub process: ProcessSummary,
    /// Most connections at once, including the sampler's where it has one.
    pub clients_peak: Option<u64>,
    /// Most channels (Redis), subscriptions (NATS), queues (RabbitMQ) or consumer groups (Kafka)
    /// at once.
    pub channels_peak: Option<u64>,
    /// Most messages waiting in its queues.
    pub backlog_peak: Option<u64>,
    /// Messages received by the broker; commands of any kind for Redis, telemetry records of the
    /// run for Kafka.
    pub messages_in: Option<u64>,
    /// Messages sent by the broker.
    pub messages_out: Option<u64>,
    /// Messages received per second of the steady phase.
    pub messages_in_per_s: Option<f64>,
    /// Messages sent per second of the steady phase.
    pub messages_out_per_s: Option<f64>,
    /// Bytes received by the broker.
    pub bytes_in: Option<u64>,
    /// Bytes sent by the broker.
    pub bytes_out: Option<u64>,
    /// Clients that the broker disconnected because they did not keep up.
    pub slow_consumers: Option<u64>,
}

/// Computes the section.
pub(crate) fn brokers(window: &RunWindow) -> Vec<BrokerSummary> {
    let brokers = window.sources.with_role(SourceRole::Broker);
    brokers
        .map(|(id, series)| broker(window, id, series))
        .collect()
}

fn broker(window: &RunWindow, id: &str, series: &SourceSeries) -> BrokerSummary {
    let range = window.range();
    let peak = |name| series.peak(name, range.clone()).map(|value| value as u64);
    // A broker may have run before the cluster, so its counts are differences.
    let growth = |name| series.growth(name, range.clone()).map(|value| value as u64);
    BrokerSummary {
        process: process_summary(window, SourceRole::Broker, id, series),
        clients_peak: peak(gauge::BROKER_CLIENTS),
        channels_peak: peak(gauge::BROKER_CHANNELS),
        backlog_peak: peak(gauge::BROKER_BACKLOG),
        messages_in: growth(gauge::BROKER_MESSAGES_IN),
        messages_out: growth(gauge::BROKER_MESSAGES_OUT),
        messages_in_per_s: growth_per_s(window, series, gauge::BROKER_MESSAGES_IN),
        messages_out_per_s: growth_per_s(window, series, gauge::BROKER_MESSAGES_OUT),
        bytes_in: growth(gauge::BROKER_BYTES_IN),
        bytes_out: growth(gauge::BROKER_BYTES_OUT),
        slow_consumers: growth(gauge::BROKER_SLOW_CONSUMERS),
    }
}
