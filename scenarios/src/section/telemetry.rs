//! `[[telemetry]]`: what devices send upstream.

use std::time::Duration;

use super::{
    KeyPresence, KeySchema, ListSchema, Section, Spanned, TableReader, ValueLocation, ValueType,
};
use crate::{
    diagnostic::DiagnosticSink,
    format::{DAY, MILLISECOND},
    plan,
    units::Rate,
};

const NAME: KeySchema = KeySchema {
    name: "name",
    value_type: ValueType::Name,
    presence: KeyPresence::Optional,
    about: "Name of the load. Without it `telemetry-1`, `telemetry-2`, … by its place in the file.",
};

const POOL: KeySchema = KeySchema {
    name: "pool",
    value_type: ValueType::Name,
    presence: KeyPresence::Optional,
    about: "The pool of devices that send. Without it the only pool.",
};

const RATE: KeySchema = KeySchema {
    name: "rate",
    value_type: ValueType::Rate,
    presence: KeyPresence::Optional,
    about: "Telemetry records due per second, over all devices of the pool, which take turns. This or `every`.",
};

const EVERY: KeySchema = KeySchema {
    name: "every",
    value_type: ValueType::Duration {
        min: MILLISECOND,
        max: DAY,
    },
    presence: KeyPresence::Optional,
    about: "Time between two telemetry records of one device. This or `rate`.",
};

const SIZE: KeySchema = KeySchema {
    name: "size",
    value_type: ValueType::Size {
        min: 2,
        max: 48 * 1024,
    },
    presence: KeyPresence::Default("64B"),
    about: "Length of a telemetry record's body.",
};

pub(crate) static SECTION: Section = Section {
    header: "[[telemetry]]",
    about: "Telemetry records that devices send upstream in the steady phase, on a fixed schedule, for a group of consumers to handle. A device sends again what was rejected and what was not answered when its socket ended; a record that is due while the socket is closed waits, and its time runs. Every record is followed to the journals of the consumers.",
    keys: &[NAME, POOL, RATE, EVERY, SIZE],
};

pub(crate) static LIST: ListSchema = ListSchema {
    key: "telemetry",
    noun: "telemetry load",
    auto_named: true,
    section: &SECTION,
};

/// A load whose values are each valid.
#[derive(Debug)]
pub(crate) struct TelemetrySection {
    pub(crate) name: Spanned<String>,
    pub(crate) pool: Option<Spanned<String>>,
    rate: Option<Spanned<Rate>>,
    every: Option<Spanned<Duration>>,
    size: Option<Spanned<u64>>,
    /// Whether a pool is named, readable or not.
    pub(crate) has_pool: bool,
}

impl TelemetrySection {
    pub(crate) fn read(
        index: usize,
        fields: &TableReader<'_>,
        findings: &mut DiagnosticSink,
    ) -> Self {
        check_schedule(fields, findings);
        Self {
            name: fields.read(&NAME, findings).unwrap_or_else(|| Spanned {
                value: format!("{}-{}", LIST.key, index + 1),
                location: fields.location_of(&NAME),
            }),
            pool: fields.read(&POOL, findings),
            rate: fields.read(&RATE, findings),
            every: fields.read(&EVERY, findings),
            size: fields.read(&SIZE, findings),
            has_pool: fields.has(&POOL),
        }
    }

    /// The place of what says when readings are due.
    pub(crate) fn schedule_location(&self) -> &ValueLocation {
        let rate = self.rate.as_ref().map(|at| &at.location);
        let every = self.every.as_ref().map(|at| &at.location);
        rate.or(every).unwrap_or(&self.name.location)
    }

    /// Readings per second when the pool has `devices`; `None` where neither key, or
    /// both of them, say so.
    pub(crate) fn rate_for(&self, devices: u64) -> Option<Rate> {
        match (&self.rate, &self.every) {
            (Some(rate), None) => Some(rate.value),
            (None, Some(every)) => Rate::per_second(devices as f64 / every.value.as_secs_f64()),
            _ => None,
        }
    }

    /// The load; `pools` are the plan's pools.
    pub(crate) fn resolve(self, pools: &[plan::DevicePool]) -> Option<plan::TelemetryLoad> {
        let pool = match &self.pool {
            Some(name) => pools.iter().find(|pool| pool.name == name.value)?,
            None => pools.first()?,
        };
        let rate = self.rate_for(pool.count)?;
        Some(plan::TelemetryLoad {
            name: self.name.value,
            pool: pool.name.clone(),
            devices: pool.count,
            rate,
            size: self.size?.value,
        })
    }
}

/// One of the two ways to say when.
fn check_schedule(fields: &TableReader<'_>, findings: &mut DiagnosticSink) {
    const EITHER: &str =
        "`rate` (over all devices) or `every` (between two telemetry records of one device)";
    match (fields.has(&RATE), fields.has(&EVERY)) {
        (true, true) => {
            let finding = fields
                .location_of(&EVERY)
                .diagnostic("both `rate` and `every`");
            findings.add(finding.expected(EITHER));
        }
        (false, false) => {
            let finding = fields.location().missing("neither `rate` nor `every`");
            findings.add(finding.expected(EITHER));
        }
        _ => {}
    }
}
