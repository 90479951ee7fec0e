//! `broker` and `telemetry_broker` of a cluster: where a broker that is running already is
//! measured.

use highwater_types::{BrokerMonitoring, BrokerUrl};

use crate::{
    plan,
    value::{count, file_path, http_address},
};

section! {
    /// The place where a broker that is running already is measured, as
    /// `broker = { monitor = "http://127.0.0.1:8222" }` in `[cluster]`, or `telemetry_broker`
    /// for the broker of `telemetry`. Every key may be left out; the summary has null for what
    /// cannot be measured.
    pub(crate) struct BrokerSection = "cluster.broker";

    /// Address of the broker's monitoring: of NATS the monitoring port, without it `http://HOST:8222`;
    /// of RabbitMQ that of its Prometheus plugin, without it `http://HOST:15692`. Redis and
    /// Kafka have none: they are asked at their own address. SNS and Google Pub/Sub tell nothing.
    pub(crate) monitor: String = http_address(), optional;

    /// The broker's process id on this machine. Without it, a broker on this machine is found as the
    /// process that listens on the broker's port.
    // Process ids of Linux are signed numbers of 32 bits.
    pid: u32 = count(1, i32::MAX as u64), optional;

    /// PEM file of the only authorities that are trusted, for an address with TLS: `rediss://`,
    /// `tls://` or `amqps://`. Without it those of this machine are.
    pub(crate) ca: String = file_path(), optional;
}

impl BrokerSection {
    /// Returns the broker at `url`, with the keys of `broker` where the scenario has them.
    pub(crate) fn resolve(broker: Option<Self>, url: BrokerUrl) -> plan::BrokerSpec {
        let (monitor, pid, ca) = match broker {
            Some(broker) => (broker.monitor.value, broker.pid.value, broker.ca.value),
            None => (None, None, None),
        };
        plan::BrokerSpec {
            monitor: monitor.or_else(|| default_monitor(&url)),
            pid,
            ca,
            url,
        }
    }
}

/// Returns the address at which brokers of this kind are monitored by default.
fn default_monitor(url: &BrokerUrl) -> Option<String> {
    let host = match url.host() {
        // RFC 3986, section 3.2.2: an IPv6 address stands in brackets.
        v6 if v6.contains(':') => format!("[{v6}]"),
        host => host.to_owned(),
    };
    match url.kind().monitoring() {
        BrokerMonitoring::HttpPort(port) => Some(format!("http://{host}:{port}")),
        BrokerMonitoring::Command(_) | BrokerMonitoring::Protocol | BrokerMonitoring::Service => {
            None
        }
    }
}
