//! What can end the growth of a number of sockets: one file for each limit.

use super::{host_role::Demand, limits::Limits, plan_load::Load};

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
    &process_files::FilesPerProcess,
    &ports::Ports,
    &system_files::FilesInAll,
    &conntrack::Conntrack,
    &memory::Memory,
    &threads::Threads,
    &cpus::Processors,
];

/// A limit of the machine. Sockets never get fewer when it grows; only more
/// processors cost something elsewhere, a thread in every process.
pub trait Constraint: Sync {
    /// What is limited, as in "unknown: NAME".
    fn name(&self) -> &'static str;

    /// How many sockets it lets a usage reach.
    fn most(&self, limits: &Limits, demand: &Demand) -> Most;

    /// The limit with its figure, in at most 26 columns: `20,000 open files`.
    fn words(&self, limits: &Limits) -> String;

    /// How to reach `wanted` sockets of a usage.
    fn remedy(&self, limits: &Limits, demand: &Demand, wanted: u64) -> Remedy;

    /// Whether a plan stays below it.
    fn judge(&self, limits: &Limits, load: &Load) -> Judgement;
}

/// How many sockets a limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Most {
    /// The limit could not be read.
    Unknown,
    /// It does not end this usage.
    Any,
    /// So many.
    Sockets(u64),
}

/// How a limit is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// What to do, as a sentence.
    pub what: String,
    /// The exact settings.
    pub settings: Vec<Setting>,
}

/// A line to type or to write, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// As it is typed.
    pub line: String,
    /// In which place, in a few words; empty for a shell.
    pub place: &'static str,
}

/// Whether a plan stays below a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// The limit could not be read.
    Unknown,
    /// It does.
    Fits,
    /// It may not, or not all of the time: what, and what to do.
    Doubtful(String, Remedy),
    /// It cannot: what, and what to do.
    TooMuch(String, Remedy),
}

impl Remedy {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            settings: Vec::new(),
        }
    }

    /// With a line for a shell of root's.
    fn with(self, line: impl Into<String>) -> Self {
        self.with_at(line, "")
    }

    pub(super) fn with_at(mut self, line: impl Into<String>, place: &'static str) -> Self {
        self.settings.push(Setting {
            line: line.into(),
            place,
        });
        self
    }
}

/// A figure rounded down to `digits` significant digits: what the costs behind
/// it are worth.
fn in_digits(figure: u64, digits: u32) -> u64 {
    let places = figure.checked_ilog10().unwrap_or(0) + 1;
    let unit = 10_u64.pow(places.saturating_sub(digits));
    figure / unit * unit
}

/// The next larger figure that a person would choose.
fn rounded_up(figure: u64) -> u64 {
    let step = match figure {
        0..10_000 => 1_000,
        10_000..1_000_000 => 10_000,
        _ => 100_000,
    };
    figure.div_ceil(step).saturating_mul(step)
}
