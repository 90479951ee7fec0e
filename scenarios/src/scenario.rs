//! A valid scenario: each value of its own type and in its own range. Values
//! that were refused, and are reported, are missing from it, so that the rules
//! still see the rest.

use std::time::Duration;

use crate::{
    diagnostic::DiagnosticSink,
    plan::{Plan, SystemSpec},
    section::{
        EventKind, Spanned, TableReader, ValueLocation,
        cluster::{self, ClusterSection},
        commands::{self, CommandSection},
        devices::{self, PoolSection},
        events::{self, EventSection},
        gates::{self, GateSection},
        publish::{self, PublishSection},
        target::{self, TargetSection},
        telemetry::{self, TelemetrySection},
        top,
    },
    tree::TomlTable,
};

/// A valid scenario.
#[derive(Debug)]
pub(crate) struct Scenario {
    name: Option<Spanned<String>>,
    description: Option<Spanned<String>>,
    seed: Option<Spanned<u64>>,
    pub(crate) duration: Option<Spanned<Duration>>,
    pub(crate) system: SystemSection,
    pub(crate) devices: Vec<PoolSection>,
    pub(crate) commands: Vec<CommandSection>,
    pub(crate) publish: Vec<PublishSection>,
    pub(crate) telemetry: Vec<TelemetrySection>,
    pub(crate) events: Vec<(ValueLocation, EventSection)>,
    pub(crate) gates: Vec<GateSection>,
    /// Whether `devices` is written, readable or not.
    pub(crate) has_devices: bool,
    /// The place of `commands`, where it is written.
    pub(crate) commands_location: Option<ValueLocation>,
    /// The place of `publish`, where it is written.
    pub(crate) publish_location: Option<ValueLocation>,
    /// The place of `telemetry`, where it is written.
    pub(crate) telemetry_location: Option<ValueLocation>,
}

/// What the scenario puts its load on.
#[derive(Debug)]
pub(crate) enum SystemSection {
    Cluster(Box<ClusterSection>),
    Target(Box<TargetSection>),
    /// Both; the place of the second.
    Both(ValueLocation),
    Neither,
    /// It is written and cannot be read, which is reported.
    Unreadable,
}

impl Scenario {
    /// Reads every key; problems go to `findings`.
    pub(crate) fn read(root: &TomlTable, findings: &mut DiagnosticSink) -> Self {
        let top = TableReader::root(&top::SECTION, root, findings);
        Self {
            name: top.read(&top::NAME, findings),
            description: top.read(&top::DESCRIPTION, findings),
            seed: top.read(&top::SEED, findings),
            duration: top.read(&top::DURATION, findings),
            system: SystemSection::read(&top, findings),
            devices: (0..)
                .zip(top.tables(&top::DEVICES, &devices::LIST, findings))
                .map(|(index, fields)| PoolSection::read(index, &fields, findings))
                .collect(),
            commands: (0..)
                .zip(top.tables(&top::COMMANDS, &commands::LIST, findings))
                .map(|(index, fields)| CommandSection::read(index, &fields, findings))
                .collect(),
            publish: (0..)
                .zip(top.tables(&top::PUBLISH, &publish::LIST, findings))
                .map(|(index, fields)| PublishSection::read(index, &fields, findings))
                .collect(),
            telemetry: (0..)
                .zip(top.tables(&top::TELEMETRY, &telemetry::LIST, findings))
                .map(|(index, fields)| TelemetrySection::read(index, &fields, findings))
                .collect(),
            events: top
                .tables(&top::EVENTS, &events::LIST, findings)
                .iter()
                .map(|fields| (fields.location(), EventSection::read(fields, findings)))
                .collect(),
            gates: top
                .tables(&top::GATES, &gates::LIST, findings)
                .iter()
                .map(|fields| GateSection::read(fields, findings))
                .collect(),
            has_devices: top.has(&top::DEVICES),
            commands_location: top
                .has(&top::COMMANDS)
                .then(|| top.location_of(&top::COMMANDS)),
            publish_location: top
                .has(&top::PUBLISH)
                .then(|| top.location_of(&top::PUBLISH)),
            telemetry_location: top
                .has(&top::TELEMETRY)
                .then(|| top.location_of(&top::TELEMETRY)),
        }
    }

    /// Whether an event adds a node.
    pub(crate) fn adds_nodes(&self) -> bool {
        let mut deeds = self
            .events
            .iter()
            .filter_map(|(_, event)| event.kind.as_ref());
        deeds.any(|deed| deed.value == EventKind::AddNode)
    }

    /// The plan; `None` when anything was refused.
    pub(crate) fn resolve(self) -> Option<Plan> {
        let events = self.events.into_iter().map(|(_, event)| event.resolve());
        let mut events: Vec<_> = events.collect::<Option<_>>()?;
        // Stable: events of one instant stay in the order of the file.
        events.sort_by_key(|event| event.at);
        let duration = self.duration?.value;
        let devices: Vec<_> = self
            .devices
            .into_iter()
            .map(PoolSection::resolve)
            .collect::<Option<_>>()?;
        let publish = self.publish.into_iter();
        let publish = publish.map(|load| load.resolve(&devices, duration));
        let readings = self.telemetry.into_iter();
        let readings = readings.map(|load| load.resolve(&devices));
        Some(Plan {
            name: self.name?.value,
            description: self.description?.value,
            seed: self.seed?.value,
            duration,
            system: self.system.resolve()?,
            publish: publish.collect::<Option<_>>()?,
            telemetry: readings.collect::<Option<_>>()?,
            devices,
            commands: self
                .commands
                .into_iter()
                .map(CommandSection::resolve)
                .collect::<Option<_>>()?,
            events,
            gates: self
                .gates
                .into_iter()
                .map(GateSection::resolve)
                .collect::<Option<_>>()?,
        })
    }
}

impl SystemSection {
    fn read(top: &TableReader<'_>, findings: &mut DiagnosticSink) -> Self {
        let (has_cluster, has_target) = (top.has(&top::CLUSTER), top.has(&top::TARGET));
        let cluster = top.table(&top::CLUSTER, &cluster::SECTION, findings);
        let cluster = cluster.map(|fields| ClusterSection::read(&fields, findings));
        let target = top.table(&top::TARGET, &target::SECTION, findings);
        let target = target.map(|fields| TargetSection::read(&fields, findings));
        match (cluster, target) {
            _ if has_cluster && has_target => Self::Both(top.location_of(&top::TARGET)),
            (Some(cluster), _) => Self::Cluster(Box::new(cluster)),
            (_, Some(target)) => Self::Target(Box::new(target)),
            _ if has_cluster || has_target => Self::Unreadable,
            _ => Self::Neither,
        }
    }

    fn resolve(self) -> Option<SystemSpec> {
        match self {
            Self::Cluster(cluster) => cluster.resolve().map(SystemSpec::Cluster),
            Self::Target(target) => target.resolve().map(SystemSpec::Target),
            Self::Both(_) | Self::Neither | Self::Unreadable => None,
        }
    }
}
