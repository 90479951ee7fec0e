//! A valid scenario: each value of its own type and in its own range. Values
//! that were refused, and are reported, are missing from it, so that the rules
//! still see the rest.

use std::time::Duration;

use crate::{
    diagnostic::Findings,
    plan::{Plan, System},
    section::{
        At, Deed, Fields, Spot,
        cluster::{self, Cluster},
        commands::{self, Load},
        devices::{self, Pool},
        events::{self, Event},
        gates::{self, Gate},
        publish::{self, Publish},
        target::{self, Target},
        telemetry::{self, Readings},
        top,
    },
    tree::Table,
};

/// A valid scenario.
#[derive(Debug)]
pub(crate) struct Scenario {
    name: Option<At<String>>,
    description: Option<At<String>>,
    seed: Option<At<u64>>,
    pub(crate) duration: Option<At<Duration>>,
    pub(crate) system: SystemAsked,
    pub(crate) devices: Vec<Pool>,
    pub(crate) commands: Vec<Load>,
    pub(crate) publish: Vec<Publish>,
    pub(crate) readings: Vec<Readings>,
    pub(crate) events: Vec<(Spot, Event)>,
    pub(crate) gates: Vec<Gate>,
    /// Whether `devices` is written, readable or not.
    pub(crate) has_devices: bool,
    /// The place of `commands`, where it is written.
    pub(crate) commands_spot: Option<Spot>,
    /// The place of `publish`, where it is written.
    pub(crate) publish_spot: Option<Spot>,
    /// The place of `readings`, where it is written.
    pub(crate) readings_spot: Option<Spot>,
}

/// What the scenario puts its load on.
#[derive(Debug)]
pub(crate) enum SystemAsked {
    Cluster(Box<Cluster>),
    Target(Box<Target>),
    /// Both; the place of the second.
    Both(Spot),
    Neither,
    /// It is written and cannot be read, which is reported.
    Unreadable,
}

impl Scenario {
    /// Reads every key; problems go to `findings`.
    pub(crate) fn read(root: &Table, findings: &mut Findings) -> Self {
        let top = Fields::top(&top::SECTION, root, findings);
        Self {
            name: top.read(&top::NAME, findings),
            description: top.read(&top::DESCRIPTION, findings),
            seed: top.read(&top::SEED, findings),
            duration: top.read(&top::DURATION, findings),
            system: SystemAsked::read(&top, findings),
            devices: (0..)
                .zip(top.tables(&top::DEVICES, &devices::LIST, findings))
                .map(|(index, fields)| Pool::read(index, &fields, findings))
                .collect(),
            commands: (0..)
                .zip(top.tables(&top::COMMANDS, &commands::LIST, findings))
                .map(|(index, fields)| Load::read(index, &fields, findings))
                .collect(),
            publish: (0..)
                .zip(top.tables(&top::PUBLISH, &publish::LIST, findings))
                .map(|(index, fields)| Publish::read(index, &fields, findings))
                .collect(),
            readings: (0..)
                .zip(top.tables(&top::READINGS, &telemetry::LIST, findings))
                .map(|(index, fields)| Readings::read(index, &fields, findings))
                .collect(),
            events: top
                .tables(&top::EVENTS, &events::LIST, findings)
                .iter()
                .map(|fields| (fields.spot(), Event::read(fields, findings)))
                .collect(),
            gates: top
                .tables(&top::GATES, &gates::LIST, findings)
                .iter()
                .map(|fields| Gate::read(fields, findings))
                .collect(),
            has_devices: top.has(&top::DEVICES),
            commands_spot: top.has(&top::COMMANDS).then(|| top.spot_of(&top::COMMANDS)),
            publish_spot: top.has(&top::PUBLISH).then(|| top.spot_of(&top::PUBLISH)),
            readings_spot: top.has(&top::READINGS).then(|| top.spot_of(&top::READINGS)),
        }
    }

    /// Whether an event adds a node.
    pub(crate) fn adds_nodes(&self) -> bool {
        let mut deeds = self
            .events
            .iter()
            .filter_map(|(_, event)| event.deed.as_ref());
        deeds.any(|deed| deed.value == Deed::AddNode)
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
            .map(Pool::resolve)
            .collect::<Option<_>>()?;
        let publish = self.publish.into_iter();
        let publish = publish.map(|load| load.resolve(&devices, duration));
        let readings = self.readings.into_iter();
        let readings = readings.map(|load| load.resolve(&devices));
        Some(Plan {
            name: self.name?.value,
            description: self.description?.value,
            seed: self.seed?.value,
            duration,
            system: self.system.resolve()?,
            publish: publish.collect::<Option<_>>()?,
            readings: readings.collect::<Option<_>>()?,
            devices,
            commands: self
                .commands
                .into_iter()
                .map(Load::resolve)
                .collect::<Option<_>>()?,
            events,
            gates: self
                .gates
                .into_iter()
                .map(Gate::resolve)
                .collect::<Option<_>>()?,
        })
    }
}

impl SystemAsked {
    fn read(top: &Fields<'_>, findings: &mut Findings) -> Self {
        let (has_cluster, has_target) = (top.has(&top::CLUSTER), top.has(&top::TARGET));
        let cluster = top.table(&top::CLUSTER, &cluster::SECTION, findings);
        let cluster = cluster.map(|fields| Cluster::read(&fields, findings));
        let target = top.table(&top::TARGET, &target::SECTION, findings);
        let target = target.map(|fields| Target::read(&fields, findings));
        match (cluster, target) {
            _ if has_cluster && has_target => Self::Both(top.spot_of(&top::TARGET)),
            (Some(cluster), _) => Self::Cluster(Box::new(cluster)),
            (_, Some(target)) => Self::Target(Box::new(target)),
            _ if has_cluster || has_target => Self::Unreadable,
            _ => Self::Neither,
        }
    }

    fn resolve(self) -> Option<System> {
        match self {
            Self::Cluster(cluster) => cluster.resolve().map(System::Cluster),
            Self::Target(target) => target.resolve().map(System::Target),
            Self::Both(_) | Self::Neither | Self::Unreadable => None,
        }
    }
}
