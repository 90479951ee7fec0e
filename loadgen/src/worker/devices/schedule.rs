//! The devices of a batch, in the order in which they open.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::{keys::DeviceKey, worker::context::Context};

/// A device of this worker that is to be opened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScheduledDevice {
    /// The device of the plan.
    pub key: DeviceKey,
    /// Number among all devices of this worker.
    pub number: u32,
    /// Position of the heartbeats in their period, in `[0, 1)`.
    pub heartbeat_phase: f64,
    /// The instant at which it opens.
    pub due: Instant,
}

/// The part of a worker's devices that a batch holds.
#[derive(Debug, Clone, Copy)]
pub struct BatchPart {
    /// Number of the batch, from 0.
    pub index: u32,
    /// Number of batches.
    pub count: u32,
}

/// The time from which a pool's start counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PoolStart {
    /// The pool opens in the ramp.
    Ramp,
    /// The pool has a start of its own in the steady phase.
    Steady,
}

/// A pool of the plan as this worker sees it.
struct NumberedPool {
    /// Number of the pool in the plan.
    pool: u32,
    /// Number of its first device among all devices of this worker.
    first_number: u32,
    start: Option<Duration>,
}

/// Returns the batch's devices of the pools that start with `start`, in the order in
/// which they are due. `from` is the start of that phase.
pub fn schedule(
    context: &Context,
    part: BatchPart,
    start: PoolStart,
    from: Instant,
) -> VecDeque<ScheduledDevice> {
    let mut devices: Vec<_> = numbered_pools(context)
        .filter(|pool| pool.start.is_some() == (start == PoolStart::Steady))
        .flat_map(|pool| pool_devices(context, pool, from))
        // Every batch gets some of each pool, so that the ramp runs on all cores.
        .filter(|device| device.number % part.count == part.index)
        .collect();
    devices.sort_by_key(|device| device.due);
    devices.into()
}

fn numbered_pools(context: &Context) -> impl Iterator<Item = NumberedPool> {
    let mut next = 0;
    let pools = context.plan.devices.iter().zip(0..);
    pools.map(move |(pool, number)| {
        let first_number = next;
        next += context.segment.share_of(pool.count) as u32;
        NumberedPool {
            pool: number,
            first_number,
            start: pool.start,
        }
    })
}

fn pool_devices(
    context: &Context,
    pool: NumberedPool,
    from: Instant,
) -> impl Iterator<Item = ScheduledDevice> {
    let start = from + pool.start.unwrap_or(Duration::ZERO);
    context
        .segment
        .sockets(&context.plan.devices[pool.pool as usize], context.plan.seed)
        .zip(pool.first_number..)
        .map(move |(slot, number)| ScheduledDevice {
            key: DeviceKey {
                pool: pool.pool,
                index: slot.index,
            },
            number,
            heartbeat_phase: slot.phase,
            due: start + slot.opens_at,
        })
}
