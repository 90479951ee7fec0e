//! `[matrix]`: settings of the cluster that a run goes through.

use super::{KeyPresence, KeySchema, Section, Spanned, TableReader, ValueType, choice::choices};
use crate::{
    diagnostic::DiagnosticSink,
    plan::{BalancerKind, BalancerPolicy, Join, MAX_BALANCERS},
    tree::TomlItem,
};

const BALANCER: KeySchema = KeySchema {
    name: "balancer",
    value_type: ValueType::ListOf(&ValueType::Choice(choices::<BalancerKind>)),
    presence: KeyPresence::Optional,
    about: "Values of `cluster.balancer`.",
};

const POLICY: KeySchema = KeySchema {
    name: "policy",
    value_type: ValueType::ListOf(&ValueType::Choice(choices::<BalancerPolicy>)),
    presence: KeyPresence::Optional,
    about: "Values of `cluster.policy`.",
};

const JOIN: KeySchema = KeySchema {
    name: "join",
    value_type: ValueType::ListOf(&ValueType::Choice(choices::<Join>)),
    presence: KeyPresence::Optional,
    about: "Values of `cluster.join`.",
};

const BALANCERS: KeySchema = KeySchema {
    name: "balancers",
    value_type: ValueType::ListOf(&ValueType::Count {
        min: 1,
        max: MAX_BALANCERS,
    }),
    presence: KeyPresence::Optional,
    about: "Values of `cluster.balancers`.",
};

const REPEAT: KeySchema = KeySchema {
    name: "repeat",
    value_type: ValueType::Count { min: 1, max: 20 },
    presence: KeyPresence::Default("1"),
    about: "How often each cell is run. From three on, the comparison gives intervals.",
};

/// Keys whose values are those of the cluster's keys of the same name, in the order
/// in which cells are named.
const AXES: [&KeySchema; 4] = [&BALANCER, &POLICY, &JOIN, &BALANCERS];

pub(crate) static SECTION: Section = Section {
    header: "[matrix]",
    about: "Settings of `[cluster]` that `run` goes through. Every combination of the lists is a cell; each cell is run `repeat` times, one after the other in turn, so that a machine that gets slower does so for all of them, and in the end they are compared. A value here stands in place of the one in `[cluster]`; `--set cluster.policy=p2c` stands in place of the list `policy`. `check` and `doctor` look at every cell.",
    keys: &[BALANCER, POLICY, JOIN, BALANCERS, REPEAT],
};

/// A `[matrix]` whose values are not looked at yet: that is done in their place in
/// the cluster.
#[derive(Debug)]
pub(crate) struct MatrixSection {
    pub(crate) axes: Vec<MatrixAxis>,
    pub(crate) repeat: Option<Spanned<u32>>,
}

/// A key of the cluster and the values that it goes through.
#[derive(Debug)]
pub(crate) struct MatrixAxis {
    pub(crate) key: &'static str,
    pub(crate) values: Spanned<Vec<TomlItem>>,
}

impl MatrixSection {
    pub(crate) fn read(fields: &TableReader<'_>, findings: &mut DiagnosticSink) -> Self {
        let axes = AXES.into_iter().filter_map(|key| {
            let values = fields.read(key, findings)?;
            Some(MatrixAxis {
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
