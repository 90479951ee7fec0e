//! The top level of a scenario, and its way to a plan.
//!
//! Each value of a valid scenario has its own type and lies in its own range. Values that
//! are invalid, and reported, are missing from it, so that the rules still see the rest.

use std::time::Duration;

use highwater_types::duration::{DAY, SECOND};

use crate::{
    data::PoolData,
    diagnostic::ValueLocation,
    plan::{Dialect, EventKind, Plan, SystemSpec},
    section::{
        cluster::ClusterSection, commands::CommandSection, devices::PoolSection,
        events::EventSection, gates::GateSection, matrix::MatrixSection, messages::MessageSection,
        named_list, publish::PublishSection, sub_table, target::TargetSection,
        telemetry::TelemetrySection,
    },
    value::{count, duration, name, text},
};

section! {
    /// Keys before the first table.
    pub(crate) struct Scenario = "";

    /// Name of the scenario; also part of the run's directory.
    name: String = name(), required, ignored;

    /// The question that the run is to answer, for the report.
    description: String = text(), default "\"\"", ignored;

    /// The seed of everything random in a run: heartbeat phases, the devices that commands go
    /// to, jitter.
    // Up to 2^53 - 1, which every reader of JSON keeps exactly.
    seed: u64 = count(0, (1 << 53) - 1), default "1";

    /// Length of the steady phase.
    pub(crate) duration: Duration = duration(SECOND, DAY.saturating_mul(30)), required;

    /// The cluster to start; this or `[target]`.
    pub(crate) cluster: ClusterSection = sub_table(), optional;

    /// A system that is already running; this or `[cluster]`.
    pub(crate) target: TargetSection = sub_table(), optional;

    /// Pools of sockets; at least one.
    pub(crate) devices: Vec<PoolSection> = named_list("pool of devices"), required;

    /// HTTP command traffic.
    pub(crate) commands: Vec<CommandSection> = named_list("command load"), optional;

    /// Messages that devices send over their own sockets.
    pub(crate) messages: Vec<MessageSection> = named_list("message load"), optional;

    /// Messages to topics.
    pub(crate) publish: Vec<PublishSection> = named_list("publish load"), optional;

    /// Telemetry records that devices send upstream.
    pub(crate) telemetry: Vec<TelemetrySection> =
        named_list("telemetry load"), optional;

    /// Events that happen to the cluster.
    pub(crate) events: Vec<EventSection> = named_list("event"), optional;

    /// Conditions that the run must meet.
    pub(crate) gates: Vec<GateSection> = named_list("gate"), optional, ignored;

    /// Settings that runs go through, to be compared.
    pub(crate) matrix: MatrixSection = sub_table(), optional;
}

/// The system that the load is put on.
#[derive(Debug)]
pub(crate) enum System<'s> {
    Cluster(&'s ClusterSection),
    Target(&'s TargetSection),
    /// Both are written; the place of the target.
    Both(&'s ValueLocation),
    Neither,
    /// A system is written and cannot be read, which is reported.
    Unreadable,
}

impl Scenario {
    pub(crate) fn system(&self) -> System<'_> {
        let (cluster, target) = (&self.cluster, &self.target);
        match (&cluster.value, &target.value) {
            // Written counts, valid or not: the second system is the problem either way.
            _ if cluster.is_written && target.is_written => System::Both(&target.location),
            (Some(cluster), _) => System::Cluster(cluster),
            (_, Some(target)) => System::Target(target),
            _ if cluster.is_written || target.is_written => System::Unreadable,
            _ => System::Neither,
        }
    }

    /// Returns the cluster, where it is the only system.
    pub(crate) fn only_cluster(&self) -> Option<&ClusterSection> {
        match self.system() {
            System::Cluster(cluster) => Some(cluster),
            _ => None,
        }
    }

    /// Whether an event adds a node.
    pub(crate) fn adds_nodes(&self) -> bool {
        let mut events = self.events.elements().iter();
        events.any(|event| event.kind.is(&EventKind::AddNode))
    }

    /// Returns the dialect of a target, written or inferred; `None` where an invalid one is
    /// written.
    pub(crate) fn dialect_of(&self, target: &TargetSection) -> Option<Dialect> {
        let mut pools = self.devices.elements().iter();
        match target.dialect.is_written {
            true => target.dialect.value,
            // No other dialect has frames and requests that a scenario declares.
            false if pools.any(PoolSection::has_frames) || self.has_own_traffic() => {
                Some(Dialect::Plain)
            }
            false => Some(Dialect::Highwater),
        }
    }

    /// Whether the scenario declares messages, or the requests of commands.
    fn has_own_traffic(&self) -> bool {
        let mut commands = self.commands.elements().iter();
        self.messages.is_written || commands.any(|load| load.request_location().is_some())
    }

    /// Resolves the plan, with the data of each pool; `None` where a value is invalid.
    pub(crate) fn resolve(self, data: Vec<PoolData>) -> Option<Plan> {
        let duration = self.duration.value?;
        let target = self.target.value.as_ref();
        let dialect = target.and_then(|target| self.dialect_of(target));
        // Before the loads, whose defaults depend on their pools.
        let pools = self.devices.value.unwrap_or_default().into_iter().zip(data);
        let devices = pools.map(|(pool, data)| pool.resolve(data));
        let devices = devices.collect::<Option<Vec<_>>>()?;
        let mut events = resolve_all(self.events.value, EventSection::resolve)?;
        // Stable: events of one instant stay in the order of the file.
        events.sort_by_key(|event| event.at);
        Some(Plan {
            name: self.name.value?,
            description: self.description.value?,
            seed: self.seed.value?,
            duration,
            // A rule reports both and neither.
            system: match (self.cluster.value, self.target.value) {
                (Some(cluster), None) => SystemSpec::Cluster(cluster.resolve()?),
                (None, Some(target)) => SystemSpec::Target(target.resolve(dialect?)?),
                _ => return None,
            },
            commands: resolve_all(self.commands.value, CommandSection::resolve)?,
            messages: resolve_all(self.messages.value, |load| load.resolve(&devices, duration))?,
            publish: resolve_all(self.publish.value, |load| {
                // A cluster's nodes speak the protocol of the reference server.
                load.resolve(&devices, dialect.unwrap_or(Dialect::Highwater), duration)
            })?,
            telemetry: resolve_all(self.telemetry.value, |load| load.resolve(&devices))?,
            devices,
            events,
            gates: resolve_all(self.gates.value, GateSection::resolve)?,
        })
    }
}

/// Resolves each element of a list; a list that is not written has none.
fn resolve_all<S, P>(sections: Option<Vec<S>>, resolve: impl Fn(S) -> Option<P>) -> Option<Vec<P>> {
    let sections = sections.unwrap_or_default();
    sections.into_iter().map(resolve).collect()
}
