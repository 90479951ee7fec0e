//! The limits that end the growth of a number of sockets, one file each.

use super::{
    host_role::SocketDemand,
    limits::{HostLimits, Limit},
    plan_load::PlanLoad,
};

mod conntrack;
mod cpus;
mod memory;
mod ports;
mod process_files;
mod system_files;
mod threads;

/// All constraints. If two bind at the same number of sockets, the first is named.
pub static CONSTRAINTS: [&dyn Constraint; 7] = [
    &process_files::ProcessFilesConstraint,
    &ports::PortsConstraint,
    &system_files::SystemFilesConstraint,
    &conntrack::ConntrackConstraint,
    &memory::MemoryConstraint,
    &threads::ThreadsConstraint,
    &cpus::CpuConstraint,
];

/// A limit of the machine.
///
/// A higher limit never allows fewer sockets. CPU cores are the one exception: each adds a
/// thread to every process, so more cores may lower what [`threads`] allows.
pub trait Constraint: Sync {
    /// The name of the limit, as in "unknown: NAME".
    fn name(&self) -> &'static str;

    /// The name of the limit in the last column of a table, at most 9 characters.
    fn short_name(&self) -> &'static str {
        self.name()
    }

    /// Returns the number of sockets that the limit allows for a demand; `Unlimited` if it
    /// does not apply.
    fn ceiling(&self, limits: &HostLimits, demand: &SocketDemand) -> Limit;

    /// Returns the limit with its value, in at most 26 columns: `20,000 open files`.
    fn describe(&self, limits: &HostLimits) -> String;

    /// Returns the change that allows `wanted` sockets.
    fn fix(&self, limits: &HostLimits, demand: &SocketDemand, wanted: u64) -> Fix;

    /// Checks whether a plan stays below the limit.
    fn check(&self, limits: &HostLimits, load: &PlanLoad) -> CheckResult;
}

/// A change that raises a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The action, as a sentence.
    pub action: String,
    /// The exact settings.
    pub settings: Vec<FixSetting>,
}

/// A line to type or to write, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixSetting {
    /// The line as it is typed.
    pub line: String,
    /// The place in a few words; empty for a shell.
    pub place: &'static str,
}

/// The result of a check of a plan against a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckResult {
    /// The limit could not be read.
    Unknown,
    /// The plan stays below the limit.
    Pass,
    /// The plan may exceed the limit, or does so for a part of the run.
    Warn(String, Fix),
    /// The plan exceeds the limit.
    Fail(String, Fix),
}

impl Fix {
    /// A change without settings.
    pub(super) fn new(action: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            settings: Vec::new(),
        }
    }

    /// Adds a line for a shell of root.
    fn with_command(self, line: impl Into<String>) -> Self {
        self.with_setting(line, "")
    }

    /// Adds a line and its place.
    pub(super) fn with_setting(mut self, line: impl Into<String>, place: &'static str) -> Self {
        let line = line.into();
        self.settings.push(FixSetting { line, place });
        self
    }
}

/// Rounds a value down to `digits` significant digits. The measured costs behind a capacity
/// are no more exact than that.
fn round_down_to_digits(value: u64, digits: u32) -> u64 {
    // `ilog10` of 0 does not exist.
    let places = value.checked_ilog10().unwrap_or(0) + 1;
    let unit = 10_u64.pow(places.saturating_sub(digits));
    value / unit * unit
}

/// Rounds up to a value that a person would choose.
fn round_up(value: u64) -> u64 {
    let step = match value {
        0..10_000 => 1_000,
        10_000..1_000_000 => 10_000,
        _ => 100_000,
    };
    value.div_ceil(step).saturating_mul(step)
}
