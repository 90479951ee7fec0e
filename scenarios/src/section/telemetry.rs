//! `[[readings]]`: what devices send upstream.

use std::time::Duration;

use super::{At, Fields, Form, Key, List, Presence, Section, Spot};
use crate::{
    diagnostic::Findings,
    format::{DAY, MILLISECOND},
    plan,
    units::Rate,
};

const NAME: Key = Key {
    name: "name",
    form: Form::Name,
    presence: Presence::Optional,
    about: "Name of the load. Without it `readings-1`, `readings-2`, … by its place in the file.",
};

const POOL: Key = Key {
    name: "pool",
    form: Form::Name,
    presence: Presence::Optional,
    about: "The pool of devices that send. Without it the only pool.",
};

const RATE: Key = Key {
    name: "rate",
    form: Form::Rate,
    presence: Presence::Optional,
    about: "Readings due per second, over all devices of the pool, which take turns. This or `every`.",
};

const EVERY: Key = Key {
    name: "every",
    form: Form::Duration {
        least: MILLISECOND,
        most: DAY,
    },
    presence: Presence::Optional,
    about: "Time between two readings of one device. This or `rate`.",
};

const SIZE: Key = Key {
    name: "size",
    form: Form::Size {
        least: 2,
        most: 48 * 1024,
    },
    presence: Presence::Default("64B"),
    about: "Length of a reading's body.",
};

pub(crate) static SECTION: Section = Section {
    header: "[[readings]]",
    about: "Readings that devices send upstream in the steady phase, on a fixed schedule, for a group of consumers to handle. A device sends again what was refused and what was not answered when its socket ended; a reading that is due while the socket is closed waits, and its time runs. Every reading is followed to the journals of the consumers.",
    keys: &[NAME, POOL, RATE, EVERY, SIZE],
};

pub(crate) static LIST: List = List {
    key: "readings",
    noun: "load of readings",
    numbered: true,
    section: &SECTION,
};

/// A load whose values are each valid.
#[derive(Debug)]
pub(crate) struct Readings {
    pub(crate) name: At<String>,
    pub(crate) pool: Option<At<String>>,
    rate: Option<At<Rate>>,
    every: Option<At<Duration>>,
    size: Option<At<u64>>,
    /// Whether a pool is named, readable or not.
    pub(crate) has_pool: bool,
}

impl Readings {
    pub(crate) fn read(index: usize, fields: &Fields<'_>, findings: &mut Findings) -> Self {
        check_schedule(fields, findings);
        Self {
            name: fields.read(&NAME, findings).unwrap_or_else(|| At {
                value: format!("{}-{}", LIST.key, index + 1),
                spot: fields.spot_of(&NAME),
            }),
            pool: fields.read(&POOL, findings),
            rate: fields.read(&RATE, findings),
            every: fields.read(&EVERY, findings),
            size: fields.read(&SIZE, findings),
            has_pool: fields.has(&POOL),
        }
    }

    /// The place of what says when readings are due.
    pub(crate) fn schedule(&self) -> &Spot {
        let rate = self.rate.as_ref().map(|at| &at.spot);
        let every = self.every.as_ref().map(|at| &at.spot);
        rate.or(every).unwrap_or(&self.name.spot)
    }

    /// Readings per second when the pool has `devices`; `None` where neither key, or
    /// both of them, say so.
    pub(crate) fn rate_of(&self, devices: u64) -> Option<Rate> {
        match (&self.rate, &self.every) {
            (Some(rate), None) => Some(rate.value),
            (None, Some(every)) => Rate::per_second(devices as f64 / every.value.as_secs_f64()),
            _ => None,
        }
    }

    /// The load; `pools` are the plan's pools.
    pub(crate) fn resolve(self, pools: &[plan::DevicePool]) -> Option<plan::ReadingLoad> {
        let pool = match &self.pool {
            Some(name) => pools.iter().find(|pool| pool.name == name.value)?,
            None => pools.first()?,
        };
        let rate = self.rate_of(pool.count)?;
        Some(plan::ReadingLoad {
            name: self.name.value,
            pool: pool.name.clone(),
            devices: pool.count,
            rate,
            size: self.size?.value,
        })
    }
}

/// One of the two ways to say when.
fn check_schedule(fields: &Fields<'_>, findings: &mut Findings) {
    const EITHER: &str =
        "`rate` (over all devices) or `every` (between two readings of one device)";
    match (fields.has(&RATE), fields.has(&EVERY)) {
        (true, true) => {
            let finding = fields.spot_of(&EVERY).finding("both `rate` and `every`");
            findings.add(finding.accepted(EITHER));
        }
        (false, false) => {
            let finding = fields.spot().absence("neither `rate` nor `every`");
            findings.add(finding.accepted(EITHER));
        }
        _ => {}
    }
}
