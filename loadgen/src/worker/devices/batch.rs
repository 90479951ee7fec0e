//! A goose user that holds a batch of sockets, each opened when it is due.
//!
//! All devices of a batch are futures of one task: a goose user per socket costs
//! 11.6 KB, a tokio task per socket still several times the socket.

use std::{collections::VecDeque, sync::Arc};

use futures_util::{StreamExt, stream::FuturesUnordered};
use highwater_scenarios::{Plan, Segment};
use tokio::time::{Instant, sleep_until};

use super::{
    device::{run_device, skip_device},
    schedule::{BatchPart, PoolStart, ScheduledDevice, schedule},
};
use crate::worker::context::Context;

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
    let mut waiting = schedule(&context, part, PoolStart::Ramp, context.signals.ramp);
    let mut steady_known = false;
    loop {
        let next = waiting.front().map(|device| device.due);
        tokio::select! {
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                while let Some(device) = waiting.pop_front_if(|device| device.due <= Instant::now()) {
                    devices.push(run_device(context.clone(), device));
                }
            }
            Some(()) = devices.next(), if !devices.is_empty() => {}
            steady = context.signals.wait_steady_announced(), if !steady_known => {
                steady_known = true;
                if let Some(steady) = steady {
                    add_late_pools(&mut waiting, &context, part, steady);
                }
            }
            () = context.signals.drain.cancelled() => break,
        }
    }
    // The drain may win the race against the announcement: then the devices of late pools
    // are skipped below like all others that never opened.
    if !steady_known && let Some(steady) = context.signals.steady_start() {
        add_late_pools(&mut waiting, &context, part, steady);
    }
    while devices.next().await.is_some() {}
    for device in &waiting {
        skip_device(&context, device);
    }
}

fn add_late_pools(
    waiting: &mut VecDeque<ScheduledDevice>,
    context: &Context,
    part: BatchPart,
    steady: Instant,
) {
    waiting.extend(schedule(context, part, PoolStart::Steady, steady));
    waiting.make_contiguous().sort_by_key(|device| device.due);
}
