//! `[cluster]`: a cluster that the harness starts.

use super::{
    At, Fields, Form, Key, Presence, Section,
    choice::{Join, words},
};
use crate::{
    plan::{self, Backplane, Balancer, Policy, Routing},
    problem::Findings,
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
    form: Form::Choice(words::<Backplane>),
    presence: Presence::Default("local"),
    about: "What joins the nodes: `local` is an embedded broker, a process on this machine.",
};

const BALANCER: Key = Key {
    name: "balancer",
    form: Form::Choice(words::<Balancer>),
    presence: Presence::Default("none"),
    about: "What stands in front of the nodes: with `none`, clients rotate over the nodes.",
};

const POLICY: Key = Key {
    name: "policy",
    form: Form::Choice(words::<Policy>),
    presence: Presence::Default("round-robin"),
    about: "How new sockets are spread over the nodes.",
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
    presence: Presence::Default("discovery"),
    about: "How a node that is added becomes known to those who open sockets.",
};

pub(crate) static SECTION: Section = Section {
    header: "[cluster]",
    about: "A cluster of the reference server, which the harness starts, samples and stops itself.",
    keys: &[NODES, BACKPLANE, BALANCER, POLICY, ROUTING, JOIN],
};

/// A `[cluster]` whose values are each valid.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Option<At<u32>>,
    backplane: Option<At<Backplane>>,
    balancer: Option<At<Balancer>>,
    policy: Option<At<Policy>>,
    routing: Option<At<Routing>>,
}

impl Cluster {
    pub(crate) fn read(fields: &Fields<'_>, findings: &mut Findings) -> Self {
        // One value, and it changes nothing yet: read to be checked.
        let _: Option<At<Join>> = fields.read(&JOIN, findings);
        Self {
            nodes: fields.read(&NODES, findings),
            backplane: fields.read(&BACKPLANE, findings),
            balancer: fields.read(&BALANCER, findings),
            policy: fields.read(&POLICY, findings),
            routing: fields.read(&ROUTING, findings),
        }
    }

    pub(crate) fn resolve(self) -> Option<plan::Cluster> {
        Some(plan::Cluster {
            nodes: self.nodes?.value,
            backplane: self.backplane?.value,
            balancer: self.balancer?.value,
            policy: self.policy?.value,
            routing: self.routing?.value,
        })
    }
}
