//! `[[events]]`: what happens to the cluster.

use std::time::Duration;

use highwater_types::{
    Rate,
    duration::{DAY, MILLISECOND, MINUTE},
};

use crate::{
    plan::{self, Action, BROKER_NAME, CLUSTER_NAME, EventKind, FaultKind, FaultSpec, TargetKind},
    value::{consumer_name, count, duration, name, node_name, rate, share, word},
};

section! {
    /// An action on a node, on all nodes, on a consumer or on the broker of the `[cluster]`
    /// during the steady phase. Each must be possible when its time comes: a node that was
    /// killed cannot be drained, and one that runs cannot be resumed.
    /// `kill-node` is SIGKILL; `pause-node` is SIGSTOP, and the node hangs with all its sockets
    /// open; `drain-node` asks it to end in order; `restart-node` starts a killed, drained or
    /// running node again on its old address. The same with `-broker` acts on the embedded
    /// broker, and needs `backplane = "local"`; `kill-consumer` and `restart-consumer` act on a
    /// consumer of telemetry records, which goes on with its journal. `rebalance` makes nodes
    /// that hold more than their share ask sockets to reconnect, until all are within
    /// `tolerance`. With the fault `stall` the whole node does nothing; with `ignore-pings` it
    /// reads pings and answers none. With `drop-messages`, `duplicate-messages` and
    /// `reorder-messages`, so many deliveries of topic messages to its devices never come, come
    /// twice, or come after the next one.
    pub(crate) struct EventSection = "[[events]]";

    /// Name of the event, for `--set` and the report.
    pub(crate) name: String = name(), optional;

    /// Time of the event, from the start of the steady phase, and before its end.
    pub(crate) at: Duration = duration(Duration::ZERO, DAY.saturating_mul(30)), required;

    /// The action.
    pub(crate) kind as "do": EventKind = word(), required;

    /// The node that an action on a node is for.
    pub(crate) node: String = node_name(), optional;

    /// The consumer that `kill-consumer` and `restart-consumer` are for.
    pub(crate) consumer: String = consumer_name(), optional;

    /// The fault that the node injects into itself, with `do = "fault"`.
    pub(crate) fault: FaultKind = word(), optional;

    /// Time that `stall` and `ignore-pings` last.
    pub(crate) duration: Duration =
        duration(MILLISECOND, MINUTE.saturating_mul(10)), optional;

    /// Number of deliveries that `drop-messages`, `duplicate-messages` and `reorder-messages`
    /// affect.
    pub(crate) count: u64 = count(1, 1_000_000_000), optional;

    /// Sockets that each node above its share asks to reconnect per second, rounded up to a
    /// whole number; with `do = "rebalance"`.
    pub(crate) rate: Rate = rate(), optional;

    /// The excess over the mean of all nodes that a node may keep, with `do = "rebalance"`.
    pub(crate) tolerance: f64 = share(1, 100), optional;
}

impl EventSection {
    pub(crate) fn resolve(self) -> Option<plan::EventSpec> {
        let kind = self.kind.value?;
        let action = match kind {
            EventKind::Rebalance => Action::Rebalance {
                rate: self.rate.value?,
                tolerance: self.tolerance.value?,
            },
            EventKind::Fault => Action::Fault {
                fault: fault_spec(self.fault.value?, self.duration.value, self.count.value)?,
            },
            // Every other action has no keys of its own, so its word says all of it.
            kind => plan::Word::as_str(kind).parse().ok()?,
        };
        Some(plan::EventSpec {
            name: self.name.value,
            at: self.at.value?,
            node: match kind.target() {
                TargetKind::Node => self.node.value?,
                TargetKind::Consumer => self.consumer.value?,
                TargetKind::Broker => BROKER_NAME.to_owned(),
                TargetKind::Cluster => CLUSTER_NAME.to_owned(),
            },
            action,
        })
    }
}

fn fault_spec(
    kind: FaultKind,
    duration: Option<Duration>,
    count: Option<u64>,
) -> Option<FaultSpec> {
    Some(match kind {
        FaultKind::Stall => FaultSpec::Stall {
            duration: duration?,
        },
        FaultKind::IgnorePings => FaultSpec::IgnorePings {
            duration: duration?,
        },
        FaultKind::DropMessages => FaultSpec::DropMessages { count: count? },
        FaultKind::DuplicateMessages => FaultSpec::DuplicateMessages { count: count? },
        FaultKind::ReorderMessages => FaultSpec::ReorderMessages { count: count? },
    })
}
