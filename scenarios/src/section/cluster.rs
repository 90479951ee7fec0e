//! `[cluster]`: a cluster that the harness starts.

use std::time::Duration;

use super::{
    At, Choice, Fields, Form, Key, Presence, Section,
    broker::{self, Broker},
    choice::words,
};
use crate::{
    broker_url::BrokerUrl,
    diagnostic::Findings,
    format::{DAY, MINUTE, SECOND},
    plan::{self, Balancer, Join, MOST_BALANCERS, Measure, Policy, Routing},
};

const NODES: Key = Key {
    name: "nodes",
    form: Form::Count {
        least: 1,
        most: 200,
    },
    presence: Presence::Default("1"),
    about: "Nodes at the start, called `n1`, `n2`, …; each is a process of its own.",
};

const BACKPLANE: Key = Key {
    name: "backplane",
    form: Form::Backplane,
    presence: Presence::Default("local"),
    about: "What joins the nodes: `local` is an embedded broker, a process on this machine that the harness starts. An address is that of a broker which is running already; nothing is started or installed, and passwords in it are in no record, report or log.",
};

const BROKER: Key = Key {
    name: "broker",
    form: Form::Table,
    presence: Presence::Optional,
    about: "Where a broker that is running already is measured; see `cluster.broker`.",
};

const BALANCER: Key = Key {
    name: "balancer",
    form: Form::Choice(words::<Balancer>),
    presence: Presence::Default("none"),
    about: "What stands in front of the nodes: with `none`, clients rotate over the nodes. nginx and HAProxy must be installed; nothing is installed by a run.",
};

const POLICY: Key = Key {
    name: "policy",
    form: Form::Choice(words::<Policy>),
    presence: Presence::Optional,
    about: "How new sockets are spread over the nodes: one after the other, to the node with the fewest, to the one with fewer of two drawn at random, to one drawn at random. Without it `p2c` behind the gateway, else `round-robin`.",
};

const LOAD: Key = Key {
    name: "load",
    form: Form::Choice(words::<Measure>),
    presence: Presence::Optional,
    about: "What the gateway's policy takes for a node's load: its sockets, or the live bytes of its heap, which nodes report as a load of their own making. Without it its sockets.",
};

const ROUTING: Key = Key {
    name: "routing",
    form: Form::Choice(words::<Routing>),
    presence: Presence::Default("directory"),
    about: "How a command finds the node that owns its device: ask the owner directory, or ask every node.",
};

const JOIN: Key = Key {
    name: "join",
    form: Form::Choice(words::<Join>),
    presence: Presence::Optional,
    about: "How a node that is added, drained or brought back after a drain becomes known to the balancer: by membership (`gateway`, and `none`), by a new configuration and a graceful reload (`nginx`, `haproxy`), by a command to the running balancer (`haproxy`), or not at all, because it stands in the configuration from the start and is down until it comes (`nginx`, `haproxy`). Without it `reload` behind nginx and HAProxy, else `discovery`.",
};

const GATEWAYS: Key = Key {
    name: "gateways",
    form: Form::Count {
        least: 1,
        most: MOST_BALANCERS,
    },
    presence: Presence::Default("1"),
    about: "Balancers side by side, called `b1`, `b2`, …; clients rotate over them. They know nothing of each other but what nodes tell.",
};

const BALANCER_TLS: Key = Key {
    name: "balancer_tls",
    form: Form::Flag,
    presence: Presence::Default("false"),
    about: "Whether clients speak TLS to the balancer, which speaks plain HTTP to the nodes. Its certificate is made as with `tls`.",
};

const MAX_AGE: Key = Key {
    name: "max_age",
    form: Form::Duration {
        least: SECOND.saturating_mul(10),
        most: DAY.saturating_mul(30),
    },
    presence: Presence::Optional,
    about: "Nodes send a socket away when it has been open for three quarters to all of this, each for another: a cheap way to a balance, by and by. Without it none is sent away for its age.",
};

const TLS: Key = Key {
    name: "tls",
    form: Form::Flag,
    presence: Presence::Default("false"),
    about: "Whether sockets and commands go over TLS: every node gets a certificate for 127.0.0.1 from an authority that is made for the run, and clients trust no other.",
};

const AUTH: Key = Key {
    name: "auth",
    form: Form::Flag,
    presence: Presence::Default("false"),
    about: "Whether nodes require tokens: every device has one of its own, command users one for all devices, signed by the workers as a login service would.",
};

const CONSUMERS: Key = Key {
    name: "consumers",
    form: Form::Count { least: 0, most: 99 },
    presence: Presence::Default("0"),
    about: "Consumers of readings, called `c1`, `c2`, …; each is a process of its own, all are one group.",
};

const HANDLE_TIME: Key = Key {
    name: "handle_time",
    form: Form::Duration {
        least: Duration::ZERO,
        most: MINUTE,
    },
    presence: Presence::Default("0s"),
    about: "How long a consumer takes to handle a reading; it handles one at a time.",
};

const LOSE_EVERY: Key = Key {
    name: "lose_every",
    form: Form::Count {
        least: 0,
        most: 1_000_000_000,
    },
    presence: Presence::Default("0"),
    about: "A fault of known size, to see that it is found: each consumer acknowledges every so many-th of its readings without handling it. 0 loses none.",
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
        LOAD,
        ROUTING,
        JOIN,
        GATEWAYS,
        BALANCER_TLS,
        MAX_AGE,
        TLS,
        AUTH,
        CONSUMERS,
        HANDLE_TIME,
        LOSE_EVERY,
    ],
};

/// What joins the nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Backplane {
    Local,
    Broker(BrokerUrl),
}

/// A value that has a default of its own behind each balancer.
#[derive(Debug)]
pub(crate) enum Written<T> {
    /// It is not there.
    No,
    Yes(At<T>),
    /// It was refused, which is reported.
    Refused,
}

/// A `[cluster]` whose values are each valid.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Option<At<u32>>,
    pub(crate) backplane: Option<At<Backplane>>,
    pub(crate) broker: Option<Broker>,
    pub(crate) balancer: Option<At<Balancer>>,
    pub(crate) policy: Written<Policy>,
    pub(crate) load: Written<Measure>,
    pub(crate) join: Written<Join>,
    pub(crate) gateways: Option<At<u32>>,
    pub(crate) balancer_tls: Option<At<bool>>,
    max_age: Option<At<Duration>>,
    routing: Option<At<Routing>>,
    pub(crate) tls: Option<At<bool>>,
    auth: Option<At<bool>>,
    consumers: Option<At<u32>>,
    handle_time: Option<At<Duration>>,
    lose_every: Option<At<u64>>,
}

impl<T: Choice> Written<T> {
    fn read(key: &Key, fields: &Fields<'_>, findings: &mut Findings) -> Self {
        match fields.read(key, findings) {
            Some(at) => Self::Yes(at),
            None if fields.has(key) => Self::Refused,
            None => Self::No,
        }
    }

    /// What is written, or else the first of what is usual.
    fn or_usual(self, usual: &[T]) -> Option<T> {
        match self {
            Self::No => usual.first().copied(),
            Self::Yes(at) => Some(at.value),
            Self::Refused => None,
        }
    }
}

impl Cluster {
    pub(crate) fn read(fields: &Fields<'_>, findings: &mut Findings) -> Self {
        let broker = fields.table(&BROKER, &broker::SECTION, findings);
        Self {
            nodes: fields.read(&NODES, findings),
            backplane: fields.read(&BACKPLANE, findings),
            broker: broker.map(|fields| Broker::read(&fields, findings)),
            balancer: fields.read(&BALANCER, findings),
            policy: Written::read(&POLICY, fields, findings),
            load: Written::read(&LOAD, fields, findings),
            join: Written::read(&JOIN, fields, findings),
            gateways: fields.read(&GATEWAYS, findings),
            balancer_tls: fields.read(&BALANCER_TLS, findings),
            max_age: fields.read(&MAX_AGE, findings),
            routing: fields.read(&ROUTING, findings),
            tls: fields.read(&TLS, findings),
            auth: fields.read(&AUTH, findings),
            consumers: fields.read(&CONSUMERS, findings),
            handle_time: fields.read(&HANDLE_TIME, findings),
            lose_every: fields.read(&LOSE_EVERY, findings),
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

    pub(crate) fn resolve(self) -> Option<plan::Cluster> {
        let backplane = match self.backplane?.value {
            Backplane::Local => plan::Backplane::Local,
            Backplane::Broker(url) => plan::Backplane::Broker(Broker::resolve(self.broker, url)),
        };
        let balancer = self.balancer?.value;
        Some(plan::Cluster {
            nodes: self.nodes?.value,
            backplane,
            balancer,
            policy: self.policy.or_usual(balancer.policies())?,
            load: self.load.or_usual(balancer.measures())?,
            join: self.join.or_usual(balancer.joins())?,
            gateways: self.gateways?.value,
            balancer_tls: self.balancer_tls?.value,
            max_age: self.max_age.map(|at| at.value),
            routing: self.routing?.value,
            tls: self.tls?.value,
            auth: self.auth?.value,
            consumers: plan::Consumers {
                count: self.consumers?.value,
                handle_time: self.handle_time?.value,
                lose_every: self.lose_every?.value,
            },
        })
    }
}
