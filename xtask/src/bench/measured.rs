//! The circumstances of a measurement, without which its figures say nothing.

use std::fmt;

use chrono::NaiveDate;

use super::{command_line::command_line, machine::Machine};

/// The day, the machine and the command of a measurement.
#[derive(Debug)]
pub(in crate::bench) struct Measured {
    /// The day, in UTC.
    date: NaiveDate,
    machine: Machine,
    command: String,
}

impl Measured {
    /// Returns the circumstances of this process.
    pub(in crate::bench) fn now() -> Self {
        Self {
            date: chrono::Utc::now().date_naive(),
            machine: Machine::read(),
            command: command_line(),
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Measured on {} on a machine with {}, by `{}`",
            self.date, self.machine, self.command,
        )
    }
}
