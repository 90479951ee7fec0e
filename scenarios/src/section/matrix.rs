//! `[matrix]`: settings of the cluster that a run goes through.

use super::Field;
use crate::{
    plan::{BalancerKind, BalancerPolicy, Join, MAX_BALANCERS},
    tree::TomlItem,
    value::{count, list_of, word},
};

section! {
    /// Settings of `[cluster]` that `run` goes through. Every combination of the lists is a
    /// cell. Each cell is run `repeat` times, one after the other in turn, so that a machine
    /// that gets slower does so for all of them, and in the end they are compared. A value
    /// here stands in place of the one in `[cluster]`; `--set cluster.policy=p2c` stands in
    /// place of the list `policy`. `check` and `doctor` look at every cell.
    pub(crate) struct MatrixSection = "[matrix]";

    /// Values of `cluster.balancer`.
    balancer: Vec<TomlItem> = list_of(word::<BalancerKind>()), optional;

    /// Values of `cluster.policy`.
    policy: Vec<TomlItem> = list_of(word::<BalancerPolicy>()), optional;

    /// Values of `cluster.join`.
    join: Vec<TomlItem> = list_of(word::<Join>()), optional;

    /// Values of `cluster.balancers`.
    balancers: Vec<TomlItem> = list_of(count(1, MAX_BALANCERS)), optional;

    /// Number of runs of each cell. From three on, the comparison gives intervals.
    pub(crate) repeat: u32 = count(1, 20), default "1";
}

/// A key of the cluster and the values that it goes through. The values are checked in
/// their place in the cluster.
#[derive(Debug)]
pub(crate) struct MatrixAxis {
    pub(crate) key: &'static str,
    pub(crate) values: Vec<TomlItem>,
}

impl MatrixSection {
    /// Returns the lists that are written, in the order in which cells are named.
    pub(crate) fn axes(&self) -> Vec<MatrixAxis> {
        let axis = |field: &Field<Vec<TomlItem>>| {
            Some(MatrixAxis {
                key: field.key.name,
                values: field.value.clone()?,
            })
        };
        // An axis is a key of the cluster with the same name.
        [&self.balancer, &self.policy, &self.join, &self.balancers]
            .into_iter()
            .filter_map(axis)
            .collect()
    }
}
