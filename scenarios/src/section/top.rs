//! The top level of a scenario.

use super::{Form, Key, Presence, Section};
use crate::format::{DAY, SECOND};

pub(crate) const NAME: Key = Key {
    name: "name",
    form: Form::Name,
    presence: Presence::Required,
    about: "Name of the scenario; also part of the run's directory.",
};

pub(crate) const DESCRIPTION: Key = Key {
    name: "description",
    form: Form::Text,
    presence: Presence::Default("\"\""),
    about: "What the run is to find out, for the report.",
};

pub(crate) const SEED: Key = Key {
    name: "seed",
    // What every reader of JSON keeps exactly.
    form: Form::Count {
        least: 0,
        most: (1 << 53) - 1,
    },
    presence: Presence::Default("1"),
    about: "Everything random in a run derives from it: heartbeat phases, which device a command goes to, jitter.",
};

pub(crate) const DURATION: Key = Key {
    name: "duration",
    form: Form::Duration {
        least: SECOND,
        most: DAY.saturating_mul(30),
    },
    presence: Presence::Required,
    about: "Length of the steady phase.",
};

pub(crate) const CLUSTER: Key = Key {
    name: "cluster",
    form: Form::Table,
    presence: Presence::Optional,
    about: "The cluster to start; this or `[target]`.",
};

pub(crate) const TARGET: Key = Key {
    name: "target",
    form: Form::Table,
    presence: Presence::Optional,
    about: "A system that is already running; this or `[cluster]`.",
};

pub(crate) const DEVICES: Key = Key {
    name: "devices",
    form: Form::Tables,
    presence: Presence::Required,
    about: "Pools of sockets; at least one.",
};

pub(crate) const COMMANDS: Key = Key {
    name: "commands",
    form: Form::Tables,
    presence: Presence::Optional,
    about: "HTTP command traffic.",
};

pub(crate) const PUBLISH: Key = Key {
    name: "publish",
    form: Form::Tables,
    presence: Presence::Optional,
    about: "Messages to topics.",
};

pub(crate) const READINGS: Key = Key {
    name: "readings",
    form: Form::Tables,
    presence: Presence::Optional,
    about: "What devices send upstream.",
};

pub(crate) const EVENTS: Key = Key {
    name: "events",
    form: Form::Tables,
    presence: Presence::Optional,
    about: "What happens to the cluster.",
};

pub(crate) const GATES: Key = Key {
    name: "gates",
    form: Form::Tables,
    presence: Presence::Optional,
    about: "What the run must show.",
};

pub(crate) const MATRIX: Key = Key {
    name: "matrix",
    form: Form::Table,
    presence: Presence::Optional,
    about: "Settings that runs go through, to be compared.",
};

pub(crate) static SECTION: Section = Section {
    header: "",
    about: "",
    keys: &[
        NAME,
        DESCRIPTION,
        SEED,
        DURATION,
        CLUSTER,
        TARGET,
        DEVICES,
        COMMANDS,
        PUBLISH,
        READINGS,
        EVENTS,
        GATES,
        MATRIX,
    ],
};
