//! `[[devices]]`: pools of idle heartbeat sockets.

use std::time::Duration;

use super::{
    At, Fields, Form, Key, List, Presence, Section,
    reconnect::{self, Reconnect},
};
use crate::{
    diagnostic::Findings,
    format::{DAY, HOUR, MILLISECOND, MINUTE},
    plan,
    units::Rate,
};

const NAME: Key = Key {
    name: "name",
    form: Form::Name,
    presence: Presence::Optional,
    about: "Device ids are this name, a hyphen and a number from 0. Without it the pool is called `devices-1`, `devices-2`, … by its place in the file.",
};

const COUNT: Key = Key {
    name: "count",
    form: Form::Count {
        least: 1,
        most: 10_000_000,
    },
    presence: Presence::Required,
    about: "How many sockets.",
};

const RAMP: Key = Key {
    name: "ramp",
    form: Form::Rate,
    presence: Presence::Required,
    about: "Sockets opened per second, over all workers together.",
};

const START: Key = Key {
    name: "start",
    form: Form::Duration {
        least: Duration::ZERO,
        most: DAY.saturating_mul(30),
    },
    presence: Presence::Optional,
    about: "When the pool starts to open, from the start of the steady phase. Without it the pool belongs to the ramp.",
};

const HEARTBEAT: Key = Key {
    name: "heartbeat",
    form: Form::Duration {
        least: MILLISECOND.saturating_mul(100),
        most: HOUR,
    },
    presence: Presence::Default("20s"),
    about: "Time between two heartbeats of one socket. Each socket has a random phase of its own.",
};

const GIVE_UP_AFTER: Key = Key {
    name: "give_up_after",
    form: Form::Count {
        least: 1,
        most: 1_000,
    },
    presence: Presence::Default("2"),
    about: "Missed heartbeats in a row after which the client closes the socket and reconnects.",
};

const CONNECT_TIMEOUT: Key = Key {
    name: "connect_timeout",
    form: Form::Duration {
        least: MILLISECOND.saturating_mul(10),
        most: MINUTE.saturating_mul(10),
    },
    presence: Presence::Default("10s"),
    about: "How long an attempt to open a socket may take.",
};

const RECONNECT: Key = Key {
    name: "reconnect",
    form: Form::Table,
    presence: Presence::Default("{}"),
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
        GIVE_UP_AFTER,
        CONNECT_TIMEOUT,
        RECONNECT,
    ],
};

pub(crate) static LIST: List = List {
    key: "devices",
    noun: "pool of devices",
    numbered: true,
    section: &SECTION,
};

/// A pool whose values are each valid.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) name: At<String>,
    pub(crate) count: Option<At<u64>>,
    ramp: Option<At<Rate>>,
    pub(crate) start: Option<At<Duration>>,
    heartbeat: Option<At<Duration>>,
    give_up_after: Option<At<u32>>,
    connect_timeout: Option<At<Duration>>,
    reconnect: Option<Reconnect>,
}

impl Pool {
    pub(crate) fn read(index: usize, fields: &Fields<'_>, findings: &mut Findings) -> Self {
        let reconnect = fields.table(&RECONNECT, &reconnect::SECTION, findings);
        Self {
            name: fields.read(&NAME, findings).unwrap_or_else(|| At {
                value: format!("{}-{}", LIST.key, index + 1),
                spot: fields.spot_of(&NAME),
            }),
            count: fields.read(&COUNT, findings),
            ramp: fields.read(&RAMP, findings),
            start: fields.read(&START, findings),
            heartbeat: fields.read(&HEARTBEAT, findings),
            give_up_after: fields.read(&GIVE_UP_AFTER, findings),
            connect_timeout: fields.read(&CONNECT_TIMEOUT, findings),
            reconnect: reconnect.map(|fields| Reconnect::read(&fields, findings)),
        }
    }

    pub(crate) fn resolve(self) -> Option<plan::DevicePool> {
        Some(plan::DevicePool {
            name: self.name.value,
            count: self.count?.value,
            ramp: self.ramp?.value,
            start: self.start.map(|at| at.value),
            heartbeat: self.heartbeat?.value,
            give_up_after: self.give_up_after?.value,
            connect_timeout: self.connect_timeout?.value,
            reconnect: self.reconnect?.resolve()?,
        })
    }
}
