//! The brokers that can join nodes or carry their telemetry: one entry of a table each.

/// A kind of external broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerKind {
    /// Redis Pub/Sub.
    Redis,
    /// NATS.
    Nats,
    /// RabbitMQ, by AMQP 0-9-1.
    RabbitMq,
    /// Kafka, and brokers that speak its protocol.
    Kafka,
    /// Google Pub/Sub.
    PubSub,
    /// SNS topics with SQS queues.
    Sns,
    /// A table of DynamoDB, whose stream a filter publishes on SNS.
    DynamoDb,
}

/// The parts of a cluster that a broker can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerRole {
    /// A broker that joins the nodes, and carries telemetry to consumers.
    BackplaneAndQueue,
    /// A broker that joins the nodes. Telemetry needs another one.
    Backplane,
    /// A broker that carries telemetry. The nodes need another one.
    Queue,
}

/// The way in which a broker tells its metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerMonitoring {
    /// HTTP, at this port by default.
    HttpPort(u16),
    /// A command of its own protocol, at its own address.
    Command(&'static str),
    /// Requests of its own protocol, at its own address.
    Protocol,
    /// None: a provider runs it and tells no metrics to its users.
    Service,
}

/// The facts that differ between brokers.
struct BrokerEntry {
    kind: BrokerKind,
    name: &'static str,
    role: BrokerRole,
    scheme: &'static str,
    /// The scheme of the same protocol over TLS.
    tls_scheme: &'static str,
    /// The port that IANA or the vendor assigned to the plain protocol.
    default_port: u16,
    /// The port of the protocol over TLS.
    default_tls_port: u16,
    monitoring: BrokerMonitoring,
    url_form: &'static str,
}

/// All brokers, in the order of [`BrokerKind`]: `entry` finds one by its index.
const ENTRIES: [BrokerEntry; 7] = [
    BrokerEntry {
        kind: BrokerKind::Redis,
        name: "Redis",
        role: BrokerRole::BackplaneAndQueue,
        scheme: "redis",
        tls_scheme: "rediss",
        default_port: 6379,
        default_tls_port: 6379,
        monitoring: BrokerMonitoring::Command("INFO"),
        url_form: "redis://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]]",
    },
    BrokerEntry {
        kind: BrokerKind::Nats,
        name: "NATS",
        role: BrokerRole::BackplaneAndQueue,
        scheme: "nats",
        tls_scheme: "tls",
        default_port: 4222,
        // The server asks for TLS in its greeting, on the same port.
        default_tls_port: 4222,
        monitoring: BrokerMonitoring::HttpPort(8222),
        url_form: "nats://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]]",
    },
    BrokerEntry {
        kind: BrokerKind::RabbitMq,
        name: "RabbitMQ",
        role: BrokerRole::BackplaneAndQueue,
        scheme: "amqp",
        tls_scheme: "amqps",
        default_port: 5672,
        default_tls_port: 5671,
        // Of its Prometheus plugin.
        monitoring: BrokerMonitoring::HttpPort(15692),
        url_form: "amqp://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]][/VHOST]",
    },
    BrokerEntry {
        kind: BrokerKind::Kafka,
        name: "Kafka",
        // It has no compare-and-set, which the membership of nodes needs.
        role: BrokerRole::Queue,
        scheme: "kafka",
        tls_scheme: "kafka+tls",
        default_port: 9092,
        default_tls_port: 9093,
        monitoring: BrokerMonitoring::Protocol,
        url_form: "kafka://HOST[:PORT][,HOST[:PORT]]",
    },
    BrokerEntry {
        kind: BrokerKind::PubSub,
        name: "Google Pub/Sub",
        // It has no compare-and-set, as Kafka.
        role: BrokerRole::Queue,
        scheme: "pubsub",
        tls_scheme: "pubsub+tls",
        // A project has no port. This is the port of the emulator.
        default_port: 8085,
        default_tls_port: 443,
        monitoring: BrokerMonitoring::Service,
        url_form: "pubsub://PROJECT, or pubsub://HOST[:PORT]/PROJECT of an emulator",
    },
    BrokerEntry {
        kind: BrokerKind::Sns,
        name: "SNS and SQS",
        role: BrokerRole::Backplane,
        scheme: "sns",
        tls_scheme: "sns+tls",
        // A region has no port: the provider's endpoints use TLS. This is the port of emulators.
        default_port: 4566,
        default_tls_port: 443,
        monitoring: BrokerMonitoring::Service,
        url_form: "sns://[KEY:SECRET@]REGION, or sns://[KEY:SECRET@]HOST[:PORT] of an emulator",
    },
    BrokerEntry {
        kind: BrokerKind::DynamoDb,
        name: "DynamoDB stream",
        role: BrokerRole::Backplane,
        scheme: "dynamodb",
        tls_scheme: "dynamodb+tls",
        default_port: 4566,
        default_tls_port: 443,
        monitoring: BrokerMonitoring::Service,
        url_form: "dynamodb://[KEY:SECRET@]REGION, or dynamodb://[KEY:SECRET@]HOST[:PORT] of an \
                   emulator",
    },
];

impl BrokerKind {
    /// Every kind.
    pub const ALL: [Self; ENTRIES.len()] = {
        let mut all = [Self::Redis; ENTRIES.len()];
        let mut at = 0;
        // A `for` loop cannot run at compile time.
        while at < all.len() {
            all[at] = ENTRIES[at].kind;
            at += 1;
        }
        all
    };

    /// Returns the kind whose addresses begin with `scheme`.
    pub fn from_scheme(scheme: &str) -> Option<Self> {
        find(|entry| entry.scheme == scheme)
    }

    /// Returns the kind whose addresses begin with `scheme` when TLS is asked for.
    pub fn from_tls_scheme(scheme: &str) -> Option<Self> {
        // `tls` says nothing about NATS, so the longer name is accepted too.
        let scheme = if scheme == "nats+tls" { "tls" } else { scheme };
        find(|entry| entry.tls_scheme == scheme)
    }

    /// Returns the part of an address before `://`.
    pub fn scheme(self) -> &'static str {
        self.entry().scheme
    }

    /// Returns the part of an address before `://` that asks for TLS.
    pub fn tls_scheme(self) -> &'static str {
        self.entry().tls_scheme
    }

    /// Returns the name of the product.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// Whether brokers of this kind can join nodes.
    pub fn is_backplane(self) -> bool {
        self.entry().role != BrokerRole::Queue
    }

    /// Whether brokers of this kind can carry telemetry.
    pub fn is_queue(self) -> bool {
        self.entry().role != BrokerRole::Backplane
    }

    /// Returns the port of an address that names none.
    pub fn default_port(self) -> u16 {
        self.entry().default_port
    }

    /// Returns the port of an address with TLS that names none.
    pub fn default_tls_port(self) -> u16 {
        self.entry().default_tls_port
    }

    /// Returns the way in which the broker tells its metrics.
    pub fn monitoring(self) -> BrokerMonitoring {
        self.entry().monitoring
    }

    /// Returns the form of an address, for error messages.
    pub fn url_form(self) -> &'static str {
        self.entry().url_form
    }

    /// Returns an address with its port, as an example.
    pub fn example_url(self) -> String {
        let BrokerEntry {
            scheme,
            default_port,
            ..
        } = self.entry();
        // A host alone would be the project.
        let path = if self == Self::PubSub { "/project" } else { "" };
        format!("{scheme}://host:{default_port}{path}")
    }

    fn entry(self) -> &'static BrokerEntry {
        // A test compares the order of the table with the discriminants.
        &ENTRIES[self as usize]
    }
}

fn find(matches: impl Fn(&BrokerEntry) -> bool) -> Option<BrokerKind> {
    ENTRIES
        .iter()
        .find(|entry| matches(entry))
        .map(|entry| entry.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_is_found_by_either_scheme() {
        for (index, kind) in BrokerKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index, "order of the table");
            assert_eq!(BrokerKind::from_scheme(kind.scheme()), Some(kind));
            assert_eq!(
                BrokerKind::from_tls_scheme(kind.entry().tls_scheme),
                Some(kind)
            );
        }
        assert_eq!(BrokerKind::from_scheme("mqtt"), None);
        assert_eq!(
            BrokerKind::from_tls_scheme("nats+tls"),
            Some(BrokerKind::Nats)
        );
        assert_eq!(BrokerKind::from_tls_scheme("nats+amqps"), None);
    }
}
