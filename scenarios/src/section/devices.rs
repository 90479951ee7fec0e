//! `[[devices]]`: pools of idle heartbeat sockets.

use std::time::Duration;

use super::{
    KeyPresence, KeySchema, ListSchema, Section, Spanned, TableReader, ValueType,
    reconnect::{self, ReconnectSection},
};
use crate::{
    diagnostic::DiagnosticSink,
    format::{DAY, HOUR, MILLISECOND, MINUTE},
    plan,
    units::Rate,
};

const NAME: KeySchema = KeySchema {
    name: "name",
    value_type: ValueType::Name,
    presence: KeyPresence::Optional,
    about: "Device ids are this name, a hyphen and a number from 0. Without it the pool is called `devices-1`, `devices-2`, … by its place in the file.",
};

const COUNT: KeySchema = KeySchema {
    name: "count",
    value_type: ValueType::Count {
        min: 1,
        max: 10_000_000,
    },
    presence: KeyPresence::Required,
    about: "How many sockets.",
};

const RAMP: KeySchema = KeySchema {
    name: "ramp",
    value_type: ValueType::Rate,
    presence: KeyPresence::Required,
    about: "Sockets opened per second, over all workers together.",
};

const START: KeySchema = KeySchema {
    name: "start",
    value_type: ValueType::Duration {
        min: Duration::ZERO,
        max: DAY.saturating_mul(30),
    },
    presence: KeyPresence::Optional,
    about: "When the pool starts to open, from the start of the steady phase. Without it the pool belongs to the ramp.",
};

const HEARTBEAT: KeySchema = KeySchema {
    name: "heartbeat",
    value_type: ValueType::Duration {
        min: MILLISECOND.saturating_mul(100),
        max: HOUR,
    },
    presence: KeyPresence::Default("20s"),
    about: "Time between two heartbeats of one socket. Each socket has a random phase of its own.",
};

const MAX_MISSED: KeySchema = KeySchema {
    name: "max_missed",
    value_type: ValueType::Count { min: 1, max: 1_000 },
    presence: KeyPresence::Default("2"),
    about: "Missed heartbeats in a row after which the client closes the socket and reconnects.",
};

const CONNECT_TIMEOUT: KeySchema = KeySchema {
    name: "connect_timeout",
    value_type: ValueType::Duration {
        min: MILLISECOND.saturating_mul(10),
        max: MINUTE.saturating_mul(10),
    },
    presence: KeyPresence::Default("10s"),
    about: "How long an attempt to open a socket may take.",
};

const RECONNECT: KeySchema = KeySchema {
    name: "reconnect",
    value_type: ValueType::Table,
    presence: KeyPresence::Default("{}"),
    about: "Pauses between attempts to open a socket.",
};

pub(crate) static SECTION: Section = Section {
    header: "[[devices]]",
    about: "A pool of idle sockets that only send heartbeats and answer commands.",
    keys: &[
        NAME,
        COUNT,
        RAMP,
        START,
        HEARTBEAT,
        MAX_MISSED,
        CONNECT_TIMEOUT,
        RECONNECT,
    ],
};

pub(crate) static LIST: ListSchema = ListSchema {
    key: "devices",
    noun: "pool of devices",
    auto_named: true,
    section: &SECTION,
};

/// A pool whose values are each valid.
#[derive(Debug)]
pub(crate) struct PoolSection {
    pub(crate) name: Spanned<String>,
    pub(crate) count: Option<Spanned<u64>>,
    ramp: Option<Spanned<Rate>>,
    pub(crate) start: Option<Spanned<Duration>>,
    heartbeat: Option<Spanned<Duration>>,
    max_missed: Option<Spanned<u32>>,
    connect_timeout: Option<Spanned<Duration>>,
    reconnect: Option<ReconnectSection>,
}

impl PoolSection {
    pub(crate) fn read(
        index: usize,
        fields: &TableReader<'_>,
        findings: &mut DiagnosticSink,
    ) -> Self {
        let reconnect = fields.table(&RECONNECT, &reconnect::SECTION, findings);
        Self {
            name: fields.read(&NAME, findings).unwrap_or_else(|| Spanned {
                value: format!("{}-{}", LIST.key, index + 1),
                location: fields.location_of(&NAME),
            }),
            count: fields.read(&COUNT, findings),
            ramp: fields.read(&RAMP, findings),
            start: fields.read(&START, findings),
            heartbeat: fields.read(&HEARTBEAT, findings),
            max_missed: fields.read(&MAX_MISSED, findings),
            connect_timeout: fields.read(&CONNECT_TIMEOUT, findings),
            reconnect: reconnect.map(|fields| ReconnectSection::read(&fields, findings)),
        }
    }

    pub(crate) fn resolve(self) -> Option<plan::DevicePool> {
        Some(plan::DevicePool {
            name: self.name.value,
            count: self.count?.value,
            ramp: self.ramp?.value,
            start: self.start.map(|at| at.value),
            heartbeat: self.heartbeat?.value,
            max_missed: self.max_missed?.value,
            connect_timeout: self.connect_timeout?.value,
            reconnect: self.reconnect?.resolve()?,
        })
    }
}
