//! `[[events]]`: what happens to the cluster.

use std::time::Duration;

use super::{
    KeyPresence, KeySchema, ListSchema, Section, Spanned, TableReader, ValueType,
    choice::{EventKind, FaultKind, TargetKind, choices},
};
use crate::{
    diagnostic::DiagnosticSink,
    format::{DAY, MILLISECOND, MINUTE},
    plan::{self, Action, BROKER_NAME, CLUSTER_NAME, FaultSpec},
    units::Rate,
};

const NAME: KeySchema = KeySchema {
    name: "name",
    value_type: ValueType::Name,
    presence: KeyPresence::Optional,
    about: "Name of the event, for `--set` and the report.",
};

const AT: KeySchema = KeySchema {
    name: "at",
    value_type: ValueType::Duration {
        min: Duration::ZERO,
        max: DAY.saturating_mul(30),
    },
    presence: KeyPresence::Required,
    about: "When, from the start of the steady phase, and before its end.",
};

const DO: KeySchema = KeySchema {
    name: "do",
    value_type: ValueType::Choice(choices::<EventKind>),
    presence: KeyPresence::Required,
    about: "What is done to the node. `kill-node` is SIGKILL; `pause-node` is SIGSTOP, and the node hangs with all its sockets open; `drain-node` asks it to end in order; `restart-node` starts a killed, drained or running node again on its old address. The same with `-broker` is done to the embedded broker, and needs `backplane = \"local\"`; `kill-consumer` and `restart-consumer` are the same for a consumer of telemetry records, which goes on with its journal. `rebalance` has nodes that hold more than their share ask sockets to come back, until all are within `tolerance`.",
};

const NODE: KeySchema = KeySchema {
    name: "node",
    value_type: ValueType::NodeName,
    presence: KeyPresence::Optional,
    about: "The node it is done to; none for what is done to the broker, to a consumer or to all nodes.",
};

const CONSUMER: KeySchema = KeySchema {
    name: "consumer",
    value_type: ValueType::ConsumerName,
    presence: KeyPresence::Optional,
    about: "The consumer it is done to, with `do = \"kill-consumer\"` and `do = \"restart-consumer\"`.",
};

const FAULT: KeySchema = KeySchema {
    name: "fault",
    value_type: ValueType::Choice(choices::<FaultKind>),
    presence: KeyPresence::Optional,
    about: "With `do = \"fault\"`: the fault that the node injects into itself. `stall`: the whole node does nothing. `ignore-pings`: it reads pings and answers none. `drop-messages`, `duplicate-messages`, `reorder-messages`: so many deliveries of topic messages to its devices never come, come twice, or come after the next one.",
};

const DURATION: KeySchema = KeySchema {
    name: "duration",
    value_type: ValueType::Duration {
        min: MILLISECOND,
        max: MINUTE.saturating_mul(10),
    },
    presence: KeyPresence::Optional,
    about: "How long the fault lasts: of `stall` and `ignore-pings`.",
};

const COUNT: KeySchema = KeySchema {
    name: "count",
    value_type: ValueType::Count {
        min: 1,
        max: 1_000_000_000,
    },
    presence: KeyPresence::Optional,
    about: "How many deliveries the fault is about: of `drop-messages`, `duplicate-messages` and `reorder-messages`.",
};

const RATE: KeySchema = KeySchema {
    name: "rate",
    value_type: ValueType::Rate,
    presence: KeyPresence::Optional,
    about: "With `do = \"rebalance\"`: how many sockets each node that is too full asks to go per second, rounded up to a whole number.",
};

const TOLERANCE: KeySchema = KeySchema {
    name: "tolerance",
    value_type: ValueType::Share {
        min_percent: 1,
        max_percent: 100,
    },
    presence: KeyPresence::Optional,
    about: "With `do = \"rebalance\"`: how far above the mean of all nodes a node may stay.",
};

pub(crate) static SECTION: Section = Section {
    header: "[[events]]",
    about: "Something done to a node, to all nodes, to a consumer or to the broker of the `[cluster]` during the steady phase. Each must be possible when its time comes: a node that was killed cannot be drained, one that runs cannot be resumed.",
    keys: &[
        NAME, AT, DO, NODE, CONSUMER, FAULT, DURATION, COUNT, RATE, TOLERANCE,
    ],
};

pub(crate) static LIST: ListSchema = ListSchema {
    key: "events",
    noun: "event",
    auto_named: false,
    section: &SECTION,
};

/// An event whose values are each valid.
#[derive(Debug)]
pub(crate) struct EventSection {
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) at: Option<Spanned<Duration>>,
    pub(crate) kind: Option<Spanned<EventKind>>,
    pub(crate) node: Option<Spanned<String>>,
    pub(crate) consumer: Option<Spanned<String>>,
    fault: Option<Spanned<FaultKind>>,
    duration: Option<Spanned<Duration>>,
    count: Option<Spanned<u64>>,
    rate: Option<Spanned<Rate>>,
    tolerance: Option<Spanned<f64>>,
}

impl EventSection {
    pub(crate) fn read(fields: &TableReader<'_>, findings: &mut DiagnosticSink) -> Self {
        let event = Self {
            name: fields.read(&NAME, findings),
            at: fields.read(&AT, findings),
            kind: fields.read(&DO, findings),
            node: fields.read(&NODE, findings),
            consumer: fields.read(&CONSUMER, findings),
            fault: fields.read(&FAULT, findings),
            duration: fields.read(&DURATION, findings),
            count: fields.read(&COUNT, findings),
            rate: fields.read(&RATE, findings),
            tolerance: fields.read(&TOLERANCE, findings),
        };
        if let Some(deed) = &event.kind {
            let kind = event.fault.as_ref().map(|at| at.value);
            check_fault_keys(deed.value, kind, fields, findings);
            check_rebalance_keys(deed.value, fields, findings);
            check_target_keys(deed.value.target_kind(), fields, findings);
        }
        event
    }

    pub(crate) fn resolve(self) -> Option<plan::EventSpec> {
        let deed = self.kind?.value;
        let action = match deed {
            EventKind::AddNode => Action::AddNode,
            EventKind::KillNode => Action::KillNode,
            EventKind::RestartNode => Action::RestartNode,
            EventKind::DrainNode => Action::DrainNode,
            EventKind::PauseNode => Action::PauseNode,
            EventKind::ResumeNode => Action::ResumeNode,
            EventKind::KillBroker => Action::KillBroker,
            EventKind::RestartBroker => Action::RestartBroker,
            EventKind::PauseBroker => Action::PauseBroker,
            EventKind::ResumeBroker => Action::ResumeBroker,
            EventKind::KillConsumer => Action::KillConsumer,
            EventKind::RestartConsumer => Action::RestartConsumer,
            EventKind::Rebalance => Action::Rebalance {
                rate: self.rate?.value,
                tolerance: self.tolerance?.value,
            },
            EventKind::Fault => Action::Fault {
                fault: match self.fault?.value {
                    FaultKind::Stall => FaultSpec::Stall {
                        duration: self.duration?.value,
                    },
                    FaultKind::IgnorePings => FaultSpec::IgnorePings {
                        duration: self.duration?.value,
                    },
                    FaultKind::DropMessages => FaultSpec::DropMessages {
                        count: self.count?.value,
                    },
                    FaultKind::DuplicateMessages => FaultSpec::DuplicateMessages {
                        count: self.count?.value,
                    },
                    FaultKind::ReorderMessages => FaultSpec::ReorderMessages {
                        count: self.count?.value,
                    },
                },
            },
        };
        Some(plan::EventSpec {
            name: self.name.map(|at| at.value),
            at: self.at?.value,
            node: match deed.target_kind() {
                TargetKind::Node => self.node?.value,
                TargetKind::Consumer => self.consumer?.value,
                TargetKind::Broker => BROKER_NAME.to_owned(),
                TargetKind::Cluster => CLUSTER_NAME.to_owned(),
            },
            action,
        })
    }
}

/// A fault says which it is and how large, anything else neither.
fn check_fault_keys(
    deed: EventKind,
    kind: Option<FaultKind>,
    fields: &TableReader<'_>,
    findings: &mut DiagnosticSink,
) {
    let wanted: &[&KeySchema] = match (deed, kind) {
        (EventKind::Fault, Some(kind)) => &[&FAULT, fault_size_key(kind)],
        // Which one is not known, and that is reported.
        (EventKind::Fault, None) => &[&FAULT, &DURATION],
        _ => &[],
    };
    for key in [&FAULT, &DURATION, &COUNT] {
        let is_wanted = wanted.iter().any(|wanted| wanted.name == key.name);
        match (is_wanted, fields.has(key)) {
            (true, false) => {
                let finding = fields.location_of(key).missing("missing from this fault");
                findings.add(finding.expected(key.value_type.expected()));
            }
            (false, true) if deed != EventKind::Fault => {
                let finding = fields
                    .location_of(key)
                    .diagnostic("only a fault has this key");
                findings.add(finding.expected("`fault` and its size beside `do = \"fault\"`"));
            }
            (false, true) if kind.is_some() => {
                let finding = fields
                    .location_of(key)
                    .diagnostic("not the size of this fault");
                let names: Vec<String> =
                    wanted.iter().map(|key| format!("`{}`", key.name)).collect();
                findings.add(finding.expected(names.join(" and ")));
            }
            _ => {}
        }
    }
}

/// The key that says how large a fault is.
fn fault_size_key(kind: FaultKind) -> &'static KeySchema {
    match kind {
        FaultKind::Stall | FaultKind::IgnorePings => &DURATION,
        FaultKind::DropMessages | FaultKind::DuplicateMessages | FaultKind::ReorderMessages => {
            &COUNT
        }
    }
}

/// A rebalance says how fast and how far, anything else neither.
fn check_rebalance_keys(deed: EventKind, fields: &TableReader<'_>, findings: &mut DiagnosticSink) {
    for key in [&RATE, &TOLERANCE] {
        match (deed == EventKind::Rebalance, fields.has(key)) {
            (true, false) => {
                let finding = fields
                    .location_of(key)
                    .missing("missing from this rebalance");
                findings.add(finding.expected(key.value_type.expected()));
            }
            (false, true) => {
                let finding = fields
                    .location_of(key)
                    .diagnostic("only a rebalance has this key");
                findings.add(finding.expected("it beside `do = \"rebalance\"`"));
            }
            _ => {}
        }
    }
}

/// What is done to a node or a consumer names it, and nothing else.
fn check_target_keys(object: TargetKind, fields: &TableReader<'_>, findings: &mut DiagnosticSink) {
    for (key, of) in [(&NODE, TargetKind::Node), (&CONSUMER, TargetKind::Consumer)] {
        match (object == of, fields.has(key)) {
            (true, false) => {
                let finding = fields.location_of(key).missing("missing");
                findings.add(finding.expected(key.value_type.expected()));
            }
            (false, true) if object == TargetKind::Broker => {
                let finding = fields
                    .location_of(key)
                    .diagnostic("there is one broker, which has no name");
                findings.add(
                    finding.expected(format!("no `{}` for what is done to the broker", key.name)),
                );
            }
            (false, true) if object == TargetKind::Cluster => {
                let finding = fields
                    .location_of(key)
                    .diagnostic("this is done to all nodes");
                findings.add(
                    finding.expected(format!("no `{}` for what is done to all nodes", key.name)),
                );
            }
            (false, true) => {
                let finding = fields
                    .location_of(key)
                    .diagnostic("this is done to something else");
                let other = match object {
                    TargetKind::Consumer => CONSUMER.name,
                    _ => NODE.name,
                };
                findings.add(finding.expected(format!("`{other}` in its place")));
            }
            _ => {}
        }
    }
}
