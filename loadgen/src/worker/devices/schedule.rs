//! The devices of a batch, in the order in which they open.

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::{keys::DeviceKey, worker::context::Context};

/// A device of this worker that is to be opened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScheduledDevice {
    /// The device of the plan.
    pub key: DeviceKey,
    /// Number among all devices of this worker.
    pub number: u32,
    /// Position of the heartbeats in their period, from 0 to 1.
    // Four bytes: every socket has one, and some microseconds of a period do not matter.
    pub heartbeat_phase: f32,
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

/// Returns the batch's devices of the pools that start with `start`, in the order in
/// which they are due. `from` is the start of that phase.
pub fn schedule(
    context: &Context,
    part: BatchPart,
    start: PoolStart,
    from: Instant,
) -> VecDeque<ScheduledDevice> {
    let mut devices = Vec::new();
    let mut next_number = 0;
    for (pool, index) in context.plan.devices.iter().zip(0..) {
        // Numbers go on over the pools of both phases, so that each device has its own.
        let numbers = next_number..;
        next_number += context.segment.share_of(pool.count) as u32;
        if pool.start.is_some() != (start == PoolStart::Steady) {
            continue;
        }
        let from = from + pool.start.unwrap_or_default();
        let slots = context.segment.sockets(pool, context.plan.seed);
        let pool_devices = slots.zip(numbers).map(|(slot, number)| ScheduledDevice {
            key: DeviceKey {
                pool: index,
                index: slot.index,
            },
            number,
            heartbeat_phase: slot.phase as f32,
            due: from + slot.opens_at,
        });
        // Every batch gets some of each pool, so that the ramp runs on all cores.
        devices.extend(pool_devices.filter(|device| device.number % part.count == part.index));
    }
    devices.sort_by_key(|device| device.due);
    devices.into()
}
