//! `[[events]]`: what happens to the cluster.

use std::time::Duration;

use super::{
    At, Fields, Form, Key, List, Presence, Section,
    choice::{Deed, FaultKind, Object, words},
};
use crate::{
    diagnostic::Findings,
    format::{DAY, MILLISECOND, MINUTE},
    plan::{self, Action, BROKER, CLUSTER, Fault},
    units::Rate,
};

const NAME: Key = Key {
    name: "name",
    form: Form::Name,
    presence: Presence::Optional,
    about: "Name of the event, for `--set` and the report.",
};

const AT: Key = Key {
    name: "at",
    form: Form::Duration {
        least: Duration::ZERO,
        most: DAY.saturating_mul(30),
    },
    presence: Presence::Required,
    about: "When, from the start of the steady phase, and before its end.",
};

const DO: Key = Key {
    name: "do",
    form: Form::Choice(words::<Deed>),
    presence: Presence::Required,
    about: "What is done to the node. `kill-node` is SIGKILL; `pause-node` is SIGSTOP, and the node hangs with all its sockets open; `drain-node` asks it to end in order; `restart-node` starts a killed, drained or running node again on its old address. The same with `-broker` is done to the embedded broker, and needs `backplane = \"local\"`; `kill-consumer` and `restart-consumer` are the same for a consumer of readings, which goes on with its journal. `rebalance` has nodes that hold more than their share ask sockets to come back, until all are within `band`.",
};

const NODE: Key = Key {
    name: "node",
    form: Form::Node,
    presence: Presence::Optional,
    about: "The node it is done to; none for what is done to the broker, to a consumer or to all nodes.",
};

const CONSUMER: Key = Key {
    name: "consumer",
    form: Form::Consumer,
    presence: Presence::Optional,
    about: "The consumer it is done to, with `do = \"kill-consumer\"` and `do = \"restart-consumer\"`.",
};

const FAULT: Key = Key {
    name: "fault",
    form: Form::Choice(words::<FaultKind>),
    presence: Presence::Optional,
    about: "With `do = \"fault\"`: the fault that the node injects into itself. `stall`: the whole node does nothing. `ignore-pings`: it reads pings and answers none. `drop-messages`, `duplicate-messages`, `reorder-messages`: so many deliveries of topic messages to its devices never come, come twice, or come after the next one.",
};

const LENGTH: Key = Key {
    name: "length",
    form: Form::Duration {
        least: MILLISECOND,
        most: MINUTE.saturating_mul(10),
    },
    presence: Presence::Optional,
    about: "How long the fault lasts: of `stall` and `ignore-pings`.",
};

const COUNT: Key = Key {
    name: "count",
    form: Form::Count {
        least: 1,
        most: 1_000_000_000,
    },
    presence: Presence::Optional,
    about: "How many deliveries the fault is about: of `drop-messages`, `duplicate-messages` and `reorder-messages`.",
};

const RATE: Key = Key {
    name: "rate",
    form: Form::Rate,
    presence: Presence::Optional,
    about: "With `do = \"rebalance\"`: how many sockets each node that is too full asks to go per second, rounded up to a whole number.",
};

const BAND: Key = Key {
    name: "band",
    form: Form::Share {
        least_percent: 1,
        most_percent: 100,
    },
    presence: Presence::Optional,
    about: "With `do = \"rebalance\"`: how far above the mean of all nodes a node may stay.",
};

pub(crate) static SECTION: Section = Section {
    header: "[[events]]",
    about: "Something done to a node, to all nodes, to a consumer or to the broker of the `[cluster]` during the steady phase. Each must be possible when its time comes: a node that was killed cannot be drained, one that runs cannot be resumed.",
    keys: &[
        NAME, AT, DO, NODE, CONSUMER, FAULT, LENGTH, COUNT, RATE, BAND,
    ],
};

pub(crate) static LIST: List = List {
    key: "events",
    noun: "event",
    numbered: false,
    section: &SECTION,
};

/// An event whose values are each valid.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) name: Option<At<String>>,
    pub(crate) at: Option<At<Duration>>,
    pub(crate) deed: Option<At<Deed>>,
    pub(crate) node: Option<At<String>>,
    pub(crate) consumer: Option<At<String>>,
    fault: Option<At<FaultKind>>,
    length: Option<At<Duration>>,
    count: Option<At<u64>>,
    rate: Option<At<Rate>>,
    band: Option<At<f64>>,
}

impl Event {
    pub(crate) fn read(fields: &Fields<'_>, findings: &mut Findings) -> Self {
        let event = Self {
            name: fields.read(&NAME, findings),
            at: fields.read(&AT, findings),
            deed: fields.read(&DO, findings),
            node: fields.read(&NODE, findings),
            consumer: fields.read(&CONSUMER, findings),
            fault: fields.read(&FAULT, findings),
            length: fields.read(&LENGTH, findings),
            count: fields.read(&COUNT, findings),
            rate: fields.read(&RATE, findings),
            band: fields.read(&BAND, findings),
        };
        if let Some(deed) = &event.deed {
            let kind = event.fault.as_ref().map(|at| at.value);
            check_fault_keys(deed.value, kind, fields, findings);
            check_rebalance_keys(deed.value, fields, findings);
            check_object(deed.value.object(), fields, findings);
        }
        event
    }

    pub(crate) fn resolve(self) -> Option<plan::Event> {
        let deed = self.deed?.value;
        let action = match deed {
            Deed::AddNode => Action::AddNode,
            Deed::KillNode => Action::KillNode,
            Deed::RestartNode => Action::RestartNode,
            Deed::DrainNode => Action::DrainNode,
            Deed::PauseNode => Action::PauseNode,
            Deed::ResumeNode => Action::ResumeNode,
            Deed::KillBroker => Action::KillBroker,
            Deed::RestartBroker => Action::RestartBroker,
            Deed::PauseBroker => Action::PauseBroker,
            Deed::ResumeBroker => Action::ResumeBroker,
            Deed::KillConsumer => Action::KillConsumer,
            Deed::RestartConsumer => Action::RestartConsumer,
            Deed::Rebalance => Action::Rebalance {
                rate: self.rate?.value,
                band: self.band?.value,
            },
            Deed::Fault => Action::Fault {
                fault: match self.fault?.value {
                    FaultKind::Stall => Fault::Stall {
                        length: self.length?.value,
                    },
                    FaultKind::IgnorePings => Fault::IgnorePings {
                        length: self.length?.value,
                    },
                    FaultKind::DropMessages => Fault::DropMessages {
                        count: self.count?.value,
                    },
                    FaultKind::DuplicateMessages => Fault::DuplicateMessages {
                        count: self.count?.value,
                    },
                    FaultKind::ReorderMessages => Fault::ReorderMessages {
                        count: self.count?.value,
                    },
                },
            },
        };
        Some(plan::Event {
            name: self.name.map(|at| at.value),
            at: self.at?.value,
            node: match deed.object() {
                Object::Node => self.node?.value,
                Object::Consumer => self.consumer?.value,
                Object::Broker => BROKER.to_owned(),
                Object::Cluster => CLUSTER.to_owned(),
            },
            action,
        })
    }
}

/// A fault says which it is and how large, anything else neither.
fn check_fault_keys(
    deed: Deed,
    kind: Option<FaultKind>,
    fields: &Fields<'_>,
    findings: &mut Findings,
) {
    let wanted: &[&Key] = match (deed, kind) {
        (Deed::Fault, Some(kind)) => &[&FAULT, size_of_fault(kind)],
        // Which one is not known, and that is reported.
        (Deed::Fault, None) => &[&FAULT, &LENGTH],
        _ => &[],
    };
    for key in [&FAULT, &LENGTH, &COUNT] {
        let is_wanted = wanted.iter().any(|wanted| wanted.name == key.name);
        match (is_wanted, fields.has(key)) {
            (true, false) => {
                let finding = fields.spot_of(key).absence("missing from this fault");
                findings.add(finding.accepted(key.form.accepted()));
            }
            (false, true) if deed != Deed::Fault => {
                let finding = fields.spot_of(key).finding("only a fault has this key");
                findings.add(finding.accepted("`fault` and its size beside `do = \"fault\"`"));
            }
            (false, true) if kind.is_some() => {
                let finding = fields.spot_of(key).finding("not the size of this fault");
                let names: Vec<String> =
                    wanted.iter().map(|key| format!("`{}`", key.name)).collect();
                findings.add(finding.accepted(names.join(" and ")));
            }
            _ => {}
        }
    }
}

/// The key that says how large a fault is.
fn size_of_fault(kind: FaultKind) -> &'static Key {
    match kind {
        FaultKind::Stall | FaultKind::IgnorePings => &LENGTH,
        FaultKind::DropMessages | FaultKind::DuplicateMessages | FaultKind::ReorderMessages => {
            &COUNT
        }
    }
}

/// A rebalance says how fast and how far, anything else neither.
fn check_rebalance_keys(deed: Deed, fields: &Fields<'_>, findings: &mut Findings) {
    for key in [&RATE, &BAND] {
        match (deed == Deed::Rebalance, fields.has(key)) {
            (true, false) => {
                let finding = fields.spot_of(key).absence("missing from this rebalance");
                findings.add(finding.accepted(key.form.accepted()));
            }
            (false, true) => {
                let finding = fields.spot_of(key).finding("only a rebalance has this key");
                findings.add(finding.accepted("it beside `do = \"rebalance\"`"));
            }
            _ => {}
        }
    }
}

/// What is done to a node or a consumer names it, and nothing else.
fn check_object(object: Object, fields: &Fields<'_>, findings: &mut Findings) {
    for (key, of) in [(&NODE, Object::Node), (&CONSUMER, Object::Consumer)] {
        match (object == of, fields.has(key)) {
            (true, false) => {
                let finding = fields.spot_of(key).absence("missing");
                findings.add(finding.accepted(key.form.accepted()));
            }
            (false, true) if object == Object::Broker => {
                let finding = fields
                    .spot_of(key)
                    .finding("there is one broker, which has no name");
                findings.add(
                    finding.accepted(format!("no `{}` for what is done to the broker", key.name)),
                );
            }
            (false, true) if object == Object::Cluster => {
                let finding = fields.spot_of(key).finding("this is done to all nodes");
                findings.add(
                    finding.accepted(format!("no `{}` for what is done to all nodes", key.name)),
                );
            }
            (false, true) => {
                let finding = fields
                    .spot_of(key)
                    .finding("this is done to something else");
                let other = match object {
                    Object::Consumer => CONSUMER.name,
                    _ => NODE.name,
                };
                findings.add(finding.accepted(format!("`{other}` in its place")));
            }
            _ => {}
        }
    }
}
