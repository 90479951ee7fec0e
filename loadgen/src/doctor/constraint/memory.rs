//! Memory, of the machine or of the control group.

use highwater_scenarios::{format, room};

use super::{Constraint, Judgement, Most, Remedy, in_digits};
use crate::doctor::{
    host_role::{Demand, Spread},
    limits::{self, Limits},
    plan_load::Load,
};

/// Of what is available, this many tenths are meant for sockets: something is
/// left for the page cache, for bursts, and for everybody else.
const TENTHS: u64 = 9;

pub(super) struct Memory;

impl Constraint for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn most(&self, limits: &Limits, demand: &Demand) -> Most {
        let Some(left) = limits.memory.left() else {
            return Most::Unknown;
        };
        let in_one = match (demand.processes, limits.files.per_process()) {
            (Spread::Any, Some(files)) => room(files) / demand.files,
            // One process, or nobody knows how many.
            (Spread::Any, None) | (Spread::One, _) => u64::MAX,
        };
        let sockets = sockets_in(left / 10 * TENTHS, demand, in_one.max(1));
        Most::Sockets(in_digits(sockets, 3))
    }

    fn words(&self, limits: &Limits) -> String {
        match limits.memory.left() {
            Some(left) => format!("{} of memory left", format::bytes(left)),
            None => self.name().to_owned(),
        }
    }

    fn remedy(&self, limits: &Limits, demand: &Demand, wanted: u64) -> Remedy {
        let bytes = wanted.saturating_mul(demand.bytes) / TENTHS * 10;
        let mut remedy = more(&limits.memory, bytes.saturating_add(demand.process_bytes));
        if !remedy.settings.is_empty() {
            let sockets = format::count(wanted);
            remedy.what = format!("Raise the limit of the control group; for {sockets} sockets:");
        }
        remedy
    }

    fn judge(&self, limits: &Limits, load: &Load) -> Judgement {
        let Some(left) = limits.memory.left() else {
            return Judgement::Unknown;
        };
        let takes = load.memory.total_bytes();
        let what = format!(
            "it takes about {} of memory, and {} are left",
            format::bytes(takes),
            format::bytes(left)
        );
        let remedy = more(&limits.memory, (takes / TENTHS).saturating_mul(10));
        match takes {
            takes if takes > left => Judgement::TooMuch(what, remedy),
            takes if takes > left / 10 * TENTHS => Judgement::Doubtful(what, remedy),
            _ => Judgement::Fits,
        }
    }
}

/// The largest number of sockets that `bytes` hold, when each process takes
/// its share before its first socket and has at most `in_one`.
fn sockets_in(bytes: u64, demand: &Demand, in_one: u64) -> u64 {
    let sockets = in_one.saturating_mul(demand.bytes);
    let full = sockets.saturating_add(demand.process_bytes);
    let processes = bytes / full;
    let rest = (bytes % full).saturating_sub(demand.process_bytes);
    processes
        .saturating_mul(in_one)
        .saturating_add(rest / demand.bytes)
}

/// `bytes` are wanted beside what is in use.
fn more(memory: &limits::Memory, bytes: u64) -> Remedy {
    let mib = bytes.div_ceil(1 << 20);
    if !memory.is_bound_by_group() {
        return Remedy::new(format!(
            "Free some, or take a machine with {} available.",
            format::bytes(mib << 20)
        ));
    }
    let used = match (memory.group_max.known(), memory.group_room.known()) {
        (Some(max), Some(room)) => max.saturating_sub(room).div_ceil(1 << 20),
        _ => 0,
    };
    let mib = mib + used;
    Remedy::new("Raise the limit of the control group:")
        .with_at(format!("MemoryMax={mib}M"), "systemd unit")
        .with_at(format!("--memory {mib}m"), "docker run")
}
