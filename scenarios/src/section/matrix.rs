//! `[matrix]`: settings of the cluster that a run goes through.

use super::{At, Fields, Form, Key, Presence, Section, choice::words};
use crate::{
    diagnostic::Findings,
    plan::{Balancer, Join, MOST_BALANCERS, Policy},
    tree::Item,
};

const BALANCER: Key = Key {
    name: "balancer",
    form: Form::Each(&Form::Choice(words::<Balancer>)),
    presence: Presence::Optional,
    about: "Values of `cluster.balancer`.",
};

const POLICY: Key = Key {
    name: "policy",
    form: Form::Each(&Form::Choice(words::<Policy>)),
    presence: Presence::Optional,
    about: "Values of `cluster.policy`.",
};

const JOIN: Key = Key {
    name: "join",
    form: Form::Each(&Form::Choice(words::<Join>)),
    presence: Presence::Optional,
    about: "Values of `cluster.join`.",
};

const GATEWAYS: Key = Key {
    name: "gateways",
    form: Form::Each(&Form::Count {
        least: 1,
        most: MOST_BALANCERS,
    }),
    presence: Presence::Optional,
    about: "Values of `cluster.gateways`.",
};

const REPEAT: Key = Key {
    name: "repeat",
    form: Form::Count { least: 1, most: 20 },
    presence: Presence::Default("1"),
    about: "How often each cell is run. From three on, the comparison gives intervals.",
};

/// Keys whose values are those of the cluster's keys of the same name, in the order
/// in which cells are named.
const AXES: [&Key; 4] = [&BALANCER, &POLICY, &JOIN, &GATEWAYS];

pub(crate) static SECTION: Section = Section {
    header: "[matrix]",
    about: "Settings of `[cluster]` that `run` goes through. Every combination of the lists is a cell; each cell is run `repeat` times, one after the other in turn, so that a machine that gets slower does so for all of them, and in the end they are compared. A value here stands in place of the one in `[cluster]`; `--set cluster.policy=p2c` stands in place of the list `policy`. `check` and `doctor` look at every cell.",
    keys: &[BALANCER, POLICY, JOIN, GATEWAYS, REPEAT],
};

/// A `[matrix]` whose values are not looked at yet: that is done in their place in
/// the cluster.
#[derive(Debug)]
pub(crate) struct Matrix {
    pub(crate) axes: Vec<Axis>,
    pub(crate) repeat: Option<At<u32>>,
}

/// A key of the cluster and the values that it goes through.
#[derive(Debug)]
pub(crate) struct Axis {
    pub(crate) key: &'static str,
    pub(crate) values: At<Vec<Item>>,
}

impl Matrix {
    pub(crate) fn read(fields: &Fields<'_>, findings: &mut Findings) -> Self {
        let axes = AXES.into_iter().filter_map(|key| {
            let values = fields.read(key, findings)?;
            Some(Axis {
                key: key.name,
                values,
            })
        });
        Self {
            axes: axes.collect(),
            repeat: fields.read(&REPEAT, findings),
        }
    }
}
