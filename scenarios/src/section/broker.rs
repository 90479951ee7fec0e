//! `broker` of a cluster: where a broker that is running already is measured.

use highwater_types::{BrokerKind, BrokerUrl};

use super::{KeyPresence, KeySchema, Section, Spanned, TableReader, ValueLocation, ValueType};
use crate::{diagnostic::DiagnosticSink, plan};

const MONITOR: KeySchema = KeySchema {
    name: "monitor",
    value_type: ValueType::HttpAddress,
    presence: KeyPresence::Optional,
    about: "Address of its monitoring: of NATS the monitoring port, without it `http://HOST:8222`; of RabbitMQ that of its Prometheus plugin, without it `http://HOST:15692`. Redis has none: it is asked with `INFO`.",
};

const PID: KeySchema = KeySchema {
    name: "pid",
    value_type: ValueType::Count {
        min: 1,
        max: i32::MAX as u64,
    },
    presence: KeyPresence::Optional,
    about: "Its process id on this machine. Without it, the process that listens on the broker's port is looked for, where the broker is on this machine.",
};

pub(crate) static SECTION: Section = Section {
    header: "cluster.broker",
    about: "Where a broker that is running already is measured, as `broker = { monitor = \"http://127.0.0.1:8222\" }` in `[cluster]`. Everything here may be left out; what cannot be measured is null in the summary.",
    keys: &[MONITOR, PID],
};

/// A `broker` whose values are each valid.
#[derive(Debug)]
pub(crate) struct BrokerSection {
    pub(crate) location: ValueLocation,
    pub(crate) monitor: Option<Spanned<String>>,
    pid: Option<Spanned<u32>>,
}

impl BrokerSection {
    pub(crate) fn read(fields: &TableReader<'_>, findings: &mut DiagnosticSink) -> Self {
        Self {
            location: fields.location(),
            monitor: fields.read(&MONITOR, findings),
            pid: fields.read(&PID, findings),
        }
    }

    /// The broker at `url`, with what is said of it here, if anything is.
    pub(crate) fn resolve(broker: Option<Self>, url: BrokerUrl) -> plan::BrokerSpec {
        let (monitor, pid) = match broker {
            Some(broker) => (broker.monitor, broker.pid),
            None => (None, None),
        };
        let monitor = monitor.map(|at| at.value);
        plan::BrokerSpec {
            monitor: monitor.or_else(|| default_monitor(&url)),
            pid: pid.map(|at| at.value),
            url,
        }
    }
}

/// Where brokers of this kind tell of themselves unless told otherwise.
fn default_monitor(url: &BrokerUrl) -> Option<String> {
    let host = match url.host() {
        v6 if v6.contains(':') => format!("[{v6}]"),
        host => host.to_owned(),
    };
    match url.kind() {
        BrokerKind::Redis => None,
        BrokerKind::Nats => Some(format!("http://{host}:8222")),
        BrokerKind::RabbitMq => Some(format!("http://{host}:15692")),
    }
}
