//! What joins the nodes, and what the cluster's processes cost the machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ProcessSummary;

/// A broker of the backplane; what it does not tell is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BrokerSummary {
    /// Its process.
    #[serde(flatten)]
    pub process: ProcessSummary,
    /// Most connections at once, the sampler's among them where it has one.
    pub clients_peak: Option<u64>,
    /// Most channels (Redis), subscriptions (NATS) or queues (RabbitMQ) at once.
    pub channels_peak: Option<u64>,
    /// Most messages waiting in its queues.
    pub backlog_peak: Option<u64>,
    /// Messages that it was given; of Redis all commands.
    pub messages_in: Option<u64>,
    /// Messages that it has given.
    pub messages_out: Option<u64>,
    /// Of those, per second of the steady phase.
    pub messages_in_per_s: Option<f64>,
    /// Of those, per second of the steady phase.
    pub messages_out_per_s: Option<f64>,
    /// Bytes that it was given.
    pub bytes_in: Option<u64>,
    /// Bytes that it has given.
    pub bytes_out: Option<u64>,
    /// Clients that it cut off because they did not keep up.
    pub slow_consumers: Option<u64>,
}

/// What the nodes put on the backplane, as they count it themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackplaneSummary {
    /// Messages sent, each counted once for each node it is for.
    pub sent: Option<u64>,
    /// Messages received.
    pub received: Option<u64>,
    /// Sent in the steady phase over commands issued in it; `null` when the
    /// scenario puts other things on the backplane too.
    pub sent_per_command: Option<f64>,
    /// Received, likewise.
    pub received_per_command: Option<f64>,
}

/// CPU cores kept busy in the steady phase, on average: 1 is one core all the
/// time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CpuCores {
    /// By all nodes.
    pub nodes: Option<f64>,
    /// By the backplane's broker.
    pub broker: Option<f64>,
    /// By all that stands in front of the nodes.
    pub balancers: Option<f64>,
    /// By all workers.
    pub workers: Option<f64>,
}
