//! What can end the growth of a number of sockets: one file for each limit.

use super::{host_role::SocketDemand, limits::HostLimits, plan_load::PlanLoad};

mod conntrack;
mod cpus;
mod memory;
mod ports;
mod process_files;
mod system_files;
mod threads;

/// All of them. Where two bind at the same number of sockets, the first is
/// named.
pub static CONSTRAINTS: [&dyn Constraint; 7] = [
    &process_files::ProcessFilesConstraint,
    &ports::PortsConstraint,
    &system_files::SystemFilesConstraint,
    &conntrack::ConntrackConstraint,
    &memory::MemoryConstraint,
    &threads::ThreadsConstraint,
    &cpus::CpuConstraint,
];

/// A limit of the machine. Sockets never get fewer when it grows; only more
/// processors cost something elsewhere, a thread in every process.
pub trait Constraint: Sync {
    /// What is limited, as in "unknown: NAME".
    fn name(&self) -> &'static str;

    /// How many sockets it lets a usage reach.
    fn ceiling(&self, limits: &HostLimits, demand: &SocketDemand) -> Ceiling;

    /// The limit with its figure, in at most 26 columns: `20,000 open files`.
    fn describe(&self, limits: &HostLimits) -> String;

    /// How to reach `wanted` sockets of a usage.
    fn fix(&self, limits: &HostLimits, demand: &SocketDemand, wanted: u64) -> Fix;

    /// Whether a plan stays below it.
    fn check(&self, limits: &HostLimits, load: &PlanLoad) -> CheckResult;
}

/// How many sockets a limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceiling {
    /// The limit could not be read.
    Unknown,
    /// It does not end this usage.
    Unlimited,
    /// So many.
    Sockets(u64),
}

/// How a limit is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What to do, as a sentence.
    pub action: String,
    /// The exact settings.
    pub settings: Vec<FixSetting>,
}

/// A line to type or to write, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixSetting {
    /// As it is typed.
    pub line: String,
    /// In which place, in a few words; empty for a shell.
    pub place: &'static str,
}

/// Whether a plan stays below a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckResult {
    /// The limit could not be read.
    Unknown,
    /// It does.
    Pass,
    /// It may not, or not all of the time: what, and what to do.
    Warn(String, Fix),
    /// It cannot: what, and what to do.
    Fail(String, Fix),
}

impl Fix {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self {
            action: what.into(),
            settings: Vec::new(),
        }
    }

    /// With a line for a shell of root's.
    fn with_command(self, line: impl Into<String>) -> Self {
        self.with_setting(line, "")
    }

    pub(super) fn with_setting(mut self, line: impl Into<String>, place: &'static str) -> Self {
        self.settings.push(FixSetting {
            line: line.into(),
            place,
        });
        self
    }
}

/// A figure rounded down to `digits` significant digits: what the costs behind
/// it are worth.
fn round_down_to_digits(figure: u64, digits: u32) -> u64 {
    let places = figure.checked_ilog10().unwrap_or(0) + 1;
    let unit = 10_u64.pow(places.saturating_sub(digits));
    figure / unit * unit
}

/// The next larger figure that a person would choose.
fn round_up(figure: u64) -> u64 {
    let step = match figure {
        0..10_000 => 1_000,
        10_000..1_000_000 => 10_000,
        _ => 100_000,
    };
    figure.div_ceil(step).saturating_mul(step)
}
