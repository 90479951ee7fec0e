//! `[cluster]`: a cluster that the harness starts.

use std::time::Duration;

use super::{
    Choice, KeyPresence, KeySchema, Section, Spanned, TableReader, ValueType,
    broker::{self, BrokerSection},
    choice::choices,
};
use crate::{
    broker_url::BrokerUrl,
    diagnostic::DiagnosticSink,
    format::{DAY, MINUTE, SECOND},
    plan::{self, BalancerKind, BalancerLoadMetric, BalancerPolicy, Join, MAX_BALANCERS, Routing},
};

const NODES: KeySchema = KeySchema {
    name: "nodes",
    value_type: ValueType::Count { min: 1, max: 200 },
    presence: KeyPresence::Default("1"),
    about: "Nodes at the start, called `n1`, `n2`, …; each is a process of its own.",
};

const BACKPLANE: KeySchema = KeySchema {
    name: "backplane",
    value_type: ValueType::Backplane,
    presence: KeyPresence::Default("local"),
    about: "What joins the nodes: `local` is an embedded broker, a process on this machine that the harness starts. An address is that of a broker which is running already; nothing is started or installed, and passwords in it are in no record, report or log.",
};

const BROKER: KeySchema = KeySchema {
    name: "broker",
    value_type: ValueType::Table,
    presence: KeyPresence::Optional,
    about: "Where a broker that is running already is measured; see `cluster.broker`.",
};

const BALANCER: KeySchema = KeySchema {
    name: "balancer",
    value_type: ValueType::Choice(choices::<BalancerKind>),
    presence: KeyPresence::Default("none"),
    about: "What stands in front of the nodes: with `none`, clients rotate over the nodes. nginx and HAProxy must be installed; nothing is installed by a run.",
};

const POLICY: KeySchema = KeySchema {
    name: "policy",
    value_type: ValueType::Choice(choices::<BalancerPolicy>),
    presence: KeyPresence::Optional,
    about: "How new sockets are spread over the nodes: one after the other, to the node with the fewest, to the one with fewer of two drawn at random, to one drawn at random. Without it `p2c` behind the gateway, else `round-robin`.",
};

const LOAD_METRIC: KeySchema = KeySchema {
    name: "load_metric",
    value_type: ValueType::Choice(choices::<BalancerLoadMetric>),
    presence: KeyPresence::Optional,
    about: "What the gateway's policy takes for a node's load: its sockets, or the live bytes of its heap, which nodes report as a load of their own making. Without it its sockets.",
};

const ROUTING: KeySchema = KeySchema {
    name: "routing",
    value_type: ValueType::Choice(choices::<Routing>),
    presence: KeyPresence::Default("directory"),
    about: "How a command finds the node that owns its device: ask the owner directory, or ask every node.",
};

const JOIN: KeySchema = KeySchema {
    name: "join",
    value_type: ValueType::Choice(choices::<Join>),
    presence: KeyPresence::Optional,
    about: "How a node that is added, drained or brought back after a drain becomes known to the balancer: by membership (`gateway`, and `none`), by a new configuration and a graceful reload (`nginx`, `haproxy`), by a command to the running balancer (`haproxy`), or not at all, because it stands in the configuration from the start and is down until it comes (`nginx`, `haproxy`). Without it `reload` behind nginx and HAProxy, else `discovery`.",
};

const BALANCERS: KeySchema = KeySchema {
    name: "balancers",
    value_type: ValueType::Count {
        min: 1,
        max: MAX_BALANCERS,
    },
    presence: KeyPresence::Default("1"),
    about: "Balancers side by side, called `b1`, `b2`, …; clients rotate over them. They know nothing of each other but what nodes tell.",
};

const BALANCER_TLS: KeySchema = KeySchema {
    name: "balancer_tls",
    value_type: ValueType::Bool,
    presence: KeyPresence::Default("false"),
    about: "Whether clients speak TLS to the balancer, which speaks plain HTTP to the nodes. Its certificate is made as with `tls`.",
};

const MAX_AGE: KeySchema = KeySchema {
    name: "max_age",
    value_type: ValueType::Duration {
        min: SECOND.saturating_mul(10),
        max: DAY.saturating_mul(30),
    },
    presence: KeyPresence::Optional,
    about: "Nodes send a socket away when it has been open for three quarters to all of this, each for another: a cheap way to a balance, by and by. Without it none is sent away for its age.",
};

const TLS: KeySchema = KeySchema {
    name: "tls",
    value_type: ValueType::Bool,
    presence: KeyPresence::Default("false"),
    about: "Whether sockets and commands go over TLS: every node gets a certificate for 127.0.0.1 from an authority that is made for the run, and clients trust no other.",
};

const AUTH: KeySchema = KeySchema {
    name: "auth",
    value_type: ValueType::Bool,
    presence: KeyPresence::Default("false"),
    about: "Whether nodes require tokens: every device has one of its own, command users one for all devices, signed by the workers as a login service would.",
};

const CONSUMERS: KeySchema = KeySchema {
    name: "consumers",
    value_type: ValueType::Count { min: 0, max: 99 },
    presence: KeyPresence::Default("0"),
    about: "Consumers of telemetry records, called `c1`, `c2`, …; each is a process of its own, all are one group.",
};

const PROCESSING_TIME: KeySchema = KeySchema {
    name: "processing_time",
    value_type: ValueType::Duration {
        min: Duration::ZERO,
        max: MINUTE,
    },
    presence: KeyPresence::Default("0s"),
    about: "How long a consumer takes to handle a telemetry record; it handles one at a time.",
};

const DROP_EVERY: KeySchema = KeySchema {
    name: "drop_every",
    value_type: ValueType::Count {
        min: 0,
        max: 1_000_000_000,
    },
    presence: KeyPresence::Default("0"),
    about: "A fault of known size, to see that it is found: each consumer acknowledges every so many-th of its telemetry records without handling it. 0 loses none.",
};

pub(crate) static SECTION: Section = Section {
    header: "[cluster]",
    about: "A cluster of the reference server, which the harness starts, samples and stops itself.",
    keys: &[
        NODES,
        BACKPLANE,
        BROKER,
        BALANCER,
        POLICY,
        LOAD_METRIC,
        ROUTING,
        JOIN,
        BALANCERS,
        BALANCER_TLS,
        MAX_AGE,
        TLS,
        AUTH,
        CONSUMERS,
        PROCESSING_TIME,
        DROP_EVERY,
    ],
};

/// What joins the nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BackplaneSection {
    Local,
    Broker(BrokerUrl),
}

/// A value that has a default of its own behind each balancer.
#[derive(Debug)]
pub(crate) enum OptionalValue<T> {
    /// It is not there.
    Missing,
    Valid(Spanned<T>),
    /// It was refused, which is reported.
    Invalid,
}

/// A `[cluster]` whose values are each valid.
#[derive(Debug)]
pub(crate) struct ClusterSection {
    pub(crate) nodes: Option<Spanned<u32>>,
    pub(crate) backplane: Option<Spanned<BackplaneSection>>,
    pub(crate) broker: Option<BrokerSection>,
    pub(crate) balancer: Option<Spanned<BalancerKind>>,
    pub(crate) policy: OptionalValue<BalancerPolicy>,
    pub(crate) load_metric: OptionalValue<BalancerLoadMetric>,
    pub(crate) join: OptionalValue<Join>,
    pub(crate) balancers: Option<Spanned<u32>>,
    pub(crate) balancer_tls: Option<Spanned<bool>>,
    max_age: Option<Spanned<Duration>>,
    routing: Option<Spanned<Routing>>,
    pub(crate) tls: Option<Spanned<bool>>,
    auth: Option<Spanned<bool>>,
    consumers: Option<Spanned<u32>>,
    processing_time: Option<Spanned<Duration>>,
    drop_every: Option<Spanned<u64>>,
}

impl<T: Choice> OptionalValue<T> {
    fn read(key: &KeySchema, fields: &TableReader<'_>, findings: &mut DiagnosticSink) -> Self {
        match fields.read(key, findings) {
            Some(at) => Self::Valid(at),
            None if fields.has(key) => Self::Invalid,
            None => Self::Missing,
        }
    }

    /// What is written, or else the first of what is usual.
    fn or_default_of(self, usual: &[T]) -> Option<T> {
        match self {
            Self::Missing => usual.first().copied(),
            Self::Valid(at) => Some(at.value),
            Self::Invalid => None,
        }
    }
}

impl ClusterSection {
    pub(crate) fn read(fields: &TableReader<'_>, findings: &mut DiagnosticSink) -> Self {
        let broker = fields.table(&BROKER, &broker::SECTION, findings);
        Self {
            nodes: fields.read(&NODES, findings),
            backplane: fields.read(&BACKPLANE, findings),
            broker: broker.map(|fields| BrokerSection::read(&fields, findings)),
            balancer: fields.read(&BALANCER, findings),
            policy: OptionalValue::read(&POLICY, fields, findings),
            load_metric: OptionalValue::read(&LOAD_METRIC, fields, findings),
            join: OptionalValue::read(&JOIN, fields, findings),
            balancers: fields.read(&BALANCERS, findings),
            balancer_tls: fields.read(&BALANCER_TLS, findings),
            max_age: fields.read(&MAX_AGE, findings),
            routing: fields.read(&ROUTING, findings),
            tls: fields.read(&TLS, findings),
            auth: fields.read(&AUTH, findings),
            consumers: fields.read(&CONSUMERS, findings),
            processing_time: fields.read(&PROCESSING_TIME, findings),
            drop_every: fields.read(&DROP_EVERY, findings),
        }
    }

    /// How many consumers are asked for, where that is readable.
    pub(crate) fn consumer_count(&self) -> Option<u32> {
        self.consumers.as_ref().map(|at| at.value)
    }

    /// Whether it is certain that nobody handles readings.
    pub(crate) fn has_no_consumers(&self) -> bool {
        self.consumer_count() == Some(0)
    }

    pub(crate) fn resolve(self) -> Option<plan::ClusterSpec> {
        let backplane = match self.backplane?.value {
            BackplaneSection::Local => plan::BackplaneSpec::Local,
            BackplaneSection::Broker(url) => {
                plan::BackplaneSpec::Broker(BrokerSection::resolve(self.broker, url))
            }
        };
        let balancer = self.balancer?.value;
        Some(plan::ClusterSpec {
            nodes: self.nodes?.value,
            backplane,
            balancer,
            policy: self.policy.or_default_of(balancer.policies())?,
            load_metric: self.load_metric.or_default_of(balancer.load_metrics())?,
            join: self.join.or_default_of(balancer.joins())?,
            balancers: self.balancers?.value,
            balancer_tls: self.balancer_tls?.value,
            max_age: self.max_age.map(|at| at.value),
            routing: self.routing?.value,
            tls: self.tls?.value,
            auth: self.auth?.value,
            consumers: plan::Consumers {
                count: self.consumers?.value,
                processing_time: self.processing_time?.value,
                drop_every: self.drop_every?.value,
            },
        })
    }
}
