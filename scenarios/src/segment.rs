//! A worker's exact share of a plan, computed without asking anybody.
//!
//! Worker `i` of `n` owns every piece of work whose number is `i` modulo `n`.
//! The shares of all workers are disjoint and their union is the whole plan,
//! for any `n`; the due time of a piece of work does not depend on `n`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plan::{DevicePool, LoadModel};

/// Part `index` of `of` equal parts of a plan's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct Segment {
    index: u32,
    of: u32,
}

/// A part that cannot exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "segment {index} of {of} does not exist: the index counts from 0 and stays below the number of parts"
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
    /// When it opens, from the start of its pool.
    pub opens_at: Duration,
    /// Where in its heartbeat period its beats lie, in `[0, 1)`.
    pub phase: f64,
}

/// One user of a closed load model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UserSlot {
    /// Number within the load, from 0.
    pub index: u64,
    /// When the first command is due, from the start of the steady phase.
    pub starts_at: Duration,
}

impl Segment {
    /// Part `index` (from 0) of `of` parts.
    pub fn new(index: u32, of: u32) -> Result<Self, InvalidSegment> {
        if index < of {
            Ok(Self { index, of })
        } else {
            Err(InvalidSegment { index, of })
        }
    }

    /// The whole plan.
    pub fn whole() -> Self {
        Self { index: 0, of: 1 }
    }

    /// Number of this part, from 0.
    pub fn index(self) -> u32 {
        self.index
    }

    /// Number of parts.
    pub fn of(self) -> u32 {
        self.of
    }

    /// How many of `total` pieces of work are this part's.
    pub fn share_of(self, total: u64) -> u64 {
        let (index, of) = (u64::from(self.index), u64::from(self.of));
        total / of + u64::from(index < total % of)
    }

    /// The numbers of those pieces, ascending.
    pub fn indices(self, total: u64) -> impl Iterator<Item = u64> {
        (u64::from(self.index)..total).step_by(self.of as usize)
    }

    /// The sockets of a pool that are this part's, in the order they open.
    pub fn sockets(self, pool: &DevicePool, seed: u64) -> impl Iterator<Item = SocketSlot> {
        let (ramp, key) = (pool.ramp, splitmix64(seed ^ fnv1a(&pool.name)));
        self.indices(pool.count).map(move |index| SocketSlot {
            index,
            opens_at: ramp.due(index),
            phase: unit_interval(splitmix64(key.wrapping_add(index))),
        })
    }

    /// The users of a closed load that are this part's; none for an open one.
    pub fn users(self, model: &LoadModel) -> impl Iterator<Item = UserSlot> {
        let (count, think) = match *model {
            LoadModel::Closed { users, think } => (users, think),
            LoadModel::Open { .. } => (0, Duration::ZERO),
        };
        self.indices(count).map(move |index| UserSlot {
            index,
            starts_at: think.mul_f64(index as f64 / count as f64),
        })
    }

    /// The due times of an open load's arrivals that are this part's, from the
    /// start of the steady phase and before `until`; none for a closed one.
    pub fn arrivals(self, model: &LoadModel, until: Duration) -> impl Iterator<Item = Duration> {
        let rate = match *model {
            LoadModel::Open { rate, .. } => Some(rate),
            LoadModel::Closed { .. } => None,
        };
        (u64::from(self.index)..)
            .step_by(self.of as usize)
            .map_while(move |k| rate.map(|rate| rate.due(k)))
            .take_while(move |due| *due < until)
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

/// SplitMix64's finaliser (Steele, Lea, Flood 2014): consecutive numbers in,
/// evenly spread numbers out.
fn splitmix64(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// FNV-1a: pools of one plan get phases of their own.
fn fnv1a(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The upper 53 bits as a fraction in `[0, 1)`.
fn unit_interval(n: u64) -> f64 {
    (n >> 11) as f64 / (1u64 << 53) as f64
}
