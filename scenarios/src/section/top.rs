//! The top level of a scenario.

use super::{KeyPresence, KeySchema, Section, ValueType};
use crate::format::{DAY, SECOND};

pub(crate) const NAME: KeySchema = KeySchema {
    name: "name",
    value_type: ValueType::Name,
    presence: KeyPresence::Required,
    about: "Name of the scenario; also part of the run's directory.",
};

pub(crate) const DESCRIPTION: KeySchema = KeySchema {
    name: "description",
    value_type: ValueType::Text,
    presence: KeyPresence::Default("\"\""),
    about: "What the run is to find out, for the report.",
};

pub(crate) const SEED: KeySchema = KeySchema {
    name: "seed",
    // What every reader of JSON keeps exactly.
    value_type: ValueType::Count {
        min: 0,
        max: (1 << 53) - 1,
    },
    presence: KeyPresence::Default("1"),
    about: "Everything random in a run derives from it: heartbeat phases, which device a command goes to, jitter.",
};

pub(crate) const DURATION: KeySchema = KeySchema {
    name: "duration",
    value_type: ValueType::Duration {
        min: SECOND,
        max: DAY.saturating_mul(30),
    },
    presence: KeyPresence::Required,
    about: "Length of the steady phase.",
};

pub(crate) const CLUSTER: KeySchema = KeySchema {
    name: "cluster",
    value_type: ValueType::Table,
    presence: KeyPresence::Optional,
    about: "The cluster to start; this or `[target]`.",
};

pub(crate) const TARGET: KeySchema = KeySchema {
    name: "target",
    value_type: ValueType::Table,
    presence: KeyPresence::Optional,
    about: "A system that is already running; this or `[cluster]`.",
};

pub(crate) const DEVICES: KeySchema = KeySchema {
    name: "devices",
    value_type: ValueType::Tables,
    presence: KeyPresence::Required,
    about: "Pools of sockets; at least one.",
};

pub(crate) const COMMANDS: KeySchema = KeySchema {
    name: "commands",
    value_type: ValueType::Tables,
    presence: KeyPresence::Optional,
    about: "HTTP command traffic.",
};

pub(crate) const PUBLISH: KeySchema = KeySchema {
    name: "publish",
    value_type: ValueType::Tables,
    presence: KeyPresence::Optional,
    about: "Messages to topics.",
};

pub(crate) const TELEMETRY: KeySchema = KeySchema {
    name: "telemetry",
    value_type: ValueType::Tables,
    presence: KeyPresence::Optional,
    about: "What devices send upstream.",
};

pub(crate) const EVENTS: KeySchema = KeySchema {
    name: "events",
    value_type: ValueType::Tables,
    presence: KeyPresence::Optional,
    about: "What happens to the cluster.",
};

pub(crate) const GATES: KeySchema = KeySchema {
    name: "gates",
    value_type: ValueType::Tables,
    presence: KeyPresence::Optional,
    about: "What the run must show.",
};

pub(crate) const MATRIX: KeySchema = KeySchema {
    name: "matrix",
    value_type: ValueType::Table,
    presence: KeyPresence::Optional,
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
        TELEMETRY,
        EVENTS,
        GATES,
        MATRIX,
    ],
};
