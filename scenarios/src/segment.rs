//! A worker's exact share of a plan, computed without communication.
//!
//! Worker `i` of `n` owns every piece of work whose number is `i` modulo `n`. The shares of
//! all workers are disjoint and their union is the whole plan, for any `n`. The due time of a
//! piece of work does not depend on `n`.
//!
//! ```text
//! number  0  1  2  3  4  5  6  7
//! n = 3   ├w0┼w1┼w2┼w0┼w1┼w2┼w0┼w1┤
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plan::{DevicePool, LoadModel, MessageLoad};

/// Segment `index` of `of` equal segments of a plan's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct Segment {
    index: u32,
    of: u32,
}

/// A segment whose index is not below the number of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid segment {index} of {of}: expected an index from 0 to one less than the number of segments"
)]
pub struct InvalidSegment {
    index: u32,
    of: u32,
}

/// One socket of a pool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SocketSlot {
    /// Number within the pool, from 0.
    pub index: u64,
    /// Time at which it opens, from the start of its pool.
    pub opens_at: Duration,
    /// Position of its heartbeats in their period, in `[0, 1)`.
    pub phase: f64,
}

/// One user of a closed load model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UserSlot {
    /// Number within the load, from 0.
    pub index: u64,
    /// Time at which the first command is due, from the start of the steady phase.
    pub starts_at: Duration,
}

impl Segment {
    /// Makes segment `index` (from 0) of `of` segments.
    ///
    /// # Errors
    ///
    /// Fails when `index` is not below `of`.
    pub fn new(index: u32, of: u32) -> Result<Self, InvalidSegment> {
        if index < of {
            Ok(Self { index, of })
        } else {
            Err(InvalidSegment { index, of })
        }
    }

    /// Returns the segment that is the whole plan.
    pub fn whole() -> Self {
        Self { index: 0, of: 1 }
    }

    /// Returns the number of this segment, from 0.
    pub fn index(self) -> u32 {
        self.index
    }

    /// Returns the number of segments.
    pub fn of(self) -> u32 {
        self.of
    }

    /// Returns how many of `total` pieces of work belong to this segment.
    pub fn share_of(self, total: u64) -> u64 {
        let (index, of) = (u64::from(self.index), u64::from(self.of));
        // The first `total % of` segments have one more.
        total / of + u64::from(index < total % of)
    }

    /// Returns this segment's place among the segments that hold some of `total` pieces of
    /// work; `None` where it holds none. Work that needs such a piece is shared by these.
    pub fn among_holders(self, total: u64) -> Option<Self> {
        let holders = u64::from(self.of).min(total) as u32;
        Self::new(self.index, holders).ok()
    }

    /// Returns the numbers of this segment's pieces of work, ascending.
    pub fn indices(self, total: u64) -> impl Iterator<Item = u64> {
        (u64::from(self.index)..total).step_by(self.of as usize)
    }

    /// Returns this segment's sockets of a pool, in the order in which they open.
    pub fn sockets(self, pool: &DevicePool, seed: u64) -> impl Iterator<Item = SocketSlot> {
        // By seed and pool only, so that a socket has the same phase for any number of
        // workers.
        let (ramp, key) = (pool.ramp, splitmix64(seed ^ fnv1a(&pool.name)));
        self.indices(pool.count).map(move |index| SocketSlot {
            index,
            opens_at: ramp.due(index),
            phase: unit_interval(splitmix64(key.wrapping_add(index))),
        })
    }

    /// Returns this segment's users of a closed load; none of an open one.
    pub fn users(self, model: &LoadModel) -> impl Iterator<Item = UserSlot> {
        let (count, think) = match *model {
            LoadModel::Closed { users, think } => (users, think),
            LoadModel::Open { .. } => (0, Duration::ZERO),
        };
        self.indices(count).map(move |index| UserSlot {
            index,
            // Spread over one think time, so that users do not send their commands as one
            // wave.
            starts_at: think.mul_f64(index as f64 / count as f64),
        })
    }

    /// Returns the due times of this segment's arrivals of an open load, from the start of the
    /// steady phase and before `until`; none of a closed one.
    pub fn arrivals(self, model: &LoadModel, until: Duration) -> impl Iterator<Item = Duration> {
        let rate = match *model {
            LoadModel::Open { rate, .. } => Some(rate),
            LoadModel::Closed { .. } => None,
        };
        (u64::from(self.index)..)
            .step_by(self.of as usize)
            // Arrivals have no last one; `until` ends them.
            .map_while(move |k| rate.map(|rate| rate.due(k)))
            .take_while(move |due| *due < until)
    }
}

impl MessageLoad {
    /// Returns the part of the load that a segment's devices send; `None` for a segment
    /// without devices of the pool.
    pub fn segment_of(&self, segment: Segment) -> Option<Segment> {
        segment.among_holders(self.devices)
    }

    /// Returns when this segment's messages of the open model are due, from the start of the
    /// steady phase; none of the closed model.
    pub fn arrivals(&self, segment: Segment) -> impl Iterator<Item = Duration> {
        let start = self.start;
        let arrivals = segment.arrivals(&self.model, self.duration);
        arrivals.map(move |due| start + due)
    }

    /// Returns this segment's users of the closed model, with starts from the start of the
    /// steady phase; none of the open model.
    pub fn users(&self, segment: Segment) -> impl Iterator<Item = UserSlot> {
        let start = self.start;
        segment.users(&self.model).map(move |slot| UserSlot {
            starts_at: start + slot.starts_at,
            ..slot
        })
    }
}

impl TryFrom<(u32, u32)> for Segment {
    type Error = InvalidSegment;

    fn try_from((index, of): (u32, u32)) -> Result<Self, Self::Error> {
        Self::new(index, of)
    }
}

impl From<Segment> for (u32, u32) {
    fn from(segment: Segment) -> Self {
        (segment.index, segment.of)
    }
}

/// Applies SplitMix64's finaliser (Steele, Lea, Flood 2014), which turns consecutive numbers
/// into evenly spread ones.
fn splitmix64(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// Hashes a name by FNV-1a, so that pools of one plan get phases of their own. The hash
/// must stay the same in every version: a seed repeats a run.
fn fnv1a(name: &str) -> u64 {
    // The offset basis and the prime of FNV-1a for 64 bits.
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Returns the upper 53 bits as a fraction in `[0, 1)`. A float has no more bits.
fn unit_interval(n: u64) -> f64 {
    (n >> 11) as f64 / (1u64 << 53) as f64
}
