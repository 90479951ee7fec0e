//! A goose user that holds a batch of sockets, each opened when it is due.
//!
//! All devices of a batch are futures of one task: a goose user per socket costs
//! 11.6 KB, a tokio task per socket still several times the socket.

use std::sync::Arc;

use futures_util::{StreamExt, stream::FuturesUnordered};
use highwater_scenarios::{Plan, Segment};
use tokio::time::{Instant, sleep_until};

use super::{
    device::{run_device, skip_device},
    ramp_queue::RampQueue,
    schedule::{BatchPart, PoolStart, ScheduledDevice, schedule},
};
use crate::worker::{context::Context, ramp_gate::RampDecision};

/// Sockets of one batch. A batch of 100 costs 1.6 KB per socket, one of 1,000 a tenth of
/// that. Larger ones would leave the second core idle when a worker has few sockets.
const BATCH_SIZE: u64 = 1_000;

/// Returns the batches for a worker's share of the plan's sockets.
pub fn parts(plan: &Plan, segment: Segment) -> impl Iterator<Item = BatchPart> {
    let pools = plan.devices.iter();
    let sockets: u64 = pools.map(|pool| segment.share_of(pool.count)).sum();
    let count = sockets.div_ceil(BATCH_SIZE) as u32;
    (0..count).map(move |index| BatchPart { index, count })
}

/// Holds a batch's sockets until the run has closed them.
pub async fn run(context: Arc<Context>, part: BatchPart) {
    let mut devices = FuturesUnordered::new();
    let ramp = schedule(&context, part, PoolStart::Ramp, context.signals.ramp);
    let mut queue = RampQueue::new(ramp);
    let mut gate = context.ramp_gate.subscribe();
    let mut is_held = false;
    let mut steady_known = false;
    // Made once: the loop turns with each frame of each socket.
    let timer = sleep_until(queue.next_due().unwrap_or_else(Instant::now));
    let steady = context.signals.wait_steady_announced();
    let drain = context.signals.drain.cancelled();
    tokio::pin!(timer, steady, drain);
    loop {
        tokio::select! {
            () = &mut timer, if !is_held && queue.next_due().is_some() => {
                is_held = !open_due(&context, &mut queue, |device| {
                    devices.push(run_device(context.clone(), device));
                });
                timer.as_mut().reset(queue.next_due().unwrap_or_else(Instant::now));
            }
            _ = gate.wait_for(|is_open| *is_open), if is_held => {
                is_held = false;
                queue.resume(Instant::now());
                timer.as_mut().reset(Instant::now());
            }
            Some(()) = devices.next(), if !devices.is_empty() => {}
            start = &mut steady, if !steady_known => {
                steady_known = true;
                if let Some(start) = start {
                    queue.extend(schedule(&context, part, PoolStart::Steady, start));
                    timer.as_mut().reset(queue.next_due().unwrap_or_else(Instant::now));
                }
            }
            () = &mut drain => break,
        }
    }
    // The drain may win the race against the announcement: then the devices of late pools
    // are skipped below like all others that never opened.
    if !steady_known && let Some(start) = context.signals.steady_start() {
        queue.extend(schedule(&context, part, PoolStart::Steady, start));
    }
    while devices.next().await.is_some() {}
    while let Some(device) = queue.pop() {
        skip_device(&context, &device);
    }
}

/// Hands the devices that are due to `open`. Returns whether the gate let all of them pass.
fn open_due(
    context: &Context,
    queue: &mut RampQueue,
    mut open: impl FnMut(ScheduledDevice),
) -> bool {
    while queue.next_due().is_some_and(|due| due <= Instant::now()) {
        if context.ramp_gate.decide(&context.recorder) != RampDecision::Open {
            return false;
        }
        if let Some(device) = queue.pop() {
            open(device);
        }
    }
    true
}
