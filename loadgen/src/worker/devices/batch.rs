//! A goose user's batch of sockets: each opened when it is due, all of them
//! futures of one task.
//!
//! One goose user for each socket would cost ten times the socket itself.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use highwater_scenarios::{Plan, Segment};
use tokio::time::{Instant, sleep_until};

use super::device::{DeviceKey, ScheduledDevice, run_device, skip_device};
use crate::worker::context::Context;

/// Sockets of one batch: enough that the batch's own cost disappears, few
/// enough that both halves of a small worker's sockets run on both cores.
const BATCH_SIZE: u64 = 1_000;

/// Batches for a worker's share of the plan's sockets.
pub fn batch_count(plan: &Plan, segment: Segment) -> u32 {
    let pools = &plan.devices;
    let sockets: u64 = pools.iter().map(|pool| segment.share_of(pool.count)).sum();
    sockets.div_ceil(BATCH_SIZE) as u32
}

/// Holds batch `batch` of `of` until the run has closed its sockets.
pub async fn run_batch(context: Arc<Context>, batch: u32, of: u32) {
    let mut sockets = FuturesUnordered::new();
    let mut waiting = schedule(&context, batch, of, PoolStart::Ramp, context.signals.ramp);
    let mut late_pools_known = false;
    loop {
        let next = waiting.front().map(|device| device.due);
        tokio::select! {
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                while let Some(device) = waiting.pop_front_if(|device| device.due <= Instant::now()) {
                    sockets.push(run_device(context.clone(), device));
                }
            }
            Some(()) = sockets.next(), if !sockets.is_empty() => {}
            steady = context.signals.wait_steady_announced(), if !late_pools_known => {
                late_pools_known = true;
                if let Some(steady) = steady {
                    waiting.extend(schedule(&context, batch, of, PoolStart::Late, steady));
                    waiting.make_contiguous().sort_by_key(|device| device.due);
                }
            }
            () = context.signals.drain.cancelled() => break,
        }
    }
    if !late_pools_known && let Some(steady) = *context.signals.steady.borrow() {
        waiting.extend(schedule(&context, batch, of, PoolStart::Late, steady));
    }
    while sockets.next().await.is_some() {}
    for device in &waiting {
        skip_device(&context, device);
    }
}

/// Which pools are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PoolStart {
    /// Those that open in the ramp.
    Ramp,
    /// Those with a start of their own in the steady phase.
    Late,
}

/// The batch's devices of such pools in the order they are due, for pools
/// whose time counts from `from`.
fn schedule(
    context: &Context,
    batch: u32,
    of: u32,
    pools: PoolStart,
    from: Instant,
) -> VecDeque<ScheduledDevice> {
    let mut devices: Vec<_> = numbered_pools(context)
        .filter(|(_, _, start)| start.is_some() == (pools == PoolStart::Late))
        .flat_map(|(pool, first_number, start)| {
            let start = from + start.unwrap_or(Duration::ZERO);
            pool_devices(context, pool, first_number, start)
        })
        .filter(|device| device.number % of == batch)
        .collect();
    devices.sort_by_key(|device| device.due);
    devices.into()
}

/// Each pool's number, this worker's number of its first device, its start.
fn numbered_pools(context: &Context) -> impl Iterator<Item = (u32, u32, Option<Duration>)> {
    let mut next = 0;
    context
        .plan
        .devices
        .iter()
        .zip(0..)
        .map(move |(pool, number)| {
            let first = next;
            next += context.segment.share_of(pool.count) as u32;
            (number, first, pool.start)
        })
}

fn pool_devices(
    context: &Context,
    pool: u32,
    first_number: u32,
    start: Instant,
) -> impl Iterator<Item = ScheduledDevice> {
    context
        .segment
        .sockets(&context.plan.devices[pool as usize], context.plan.seed)
        .zip(first_number..)
        .map(move |(slot, number)| ScheduledDevice {
            key: DeviceKey {
                pool,
                index: slot.index,
            },
            number,
            heartbeat_phase: slot.phase,
            due: start + slot.opens_at,
        })
}
