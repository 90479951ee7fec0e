//! One device from its due time to the end of the run.
//!
//! ```text
//! due ──► attempt ──opened──► session ──drained──────────────────► finish
//!           ▲  └──failed──┐      └──lost──┐                          ▲
//!           └─────────── pause ◄──────────┴── close signal, drain ───┘
//! ```

use std::{sync::Arc, time::Duration};

use highwater_reports::record::names::counter;
use highwater_scenarios::plan::{DevicePool, ReconnectSpec};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use tokio::time::{Instant, sleep};

use super::{
    attempt::connect_tracked,
    backoff::BackoffState,
    conn_state::ConnState,
    connect_error::ConnectError,
    schedule::ScheduledDevice,
    session::{SocketEnd, run_session},
    traffic::DeviceTraffic,
};
use crate::{
    keys::DeviceKey,
    worker::{
        context::Context,
        dialect::ReconnectAdvice,
        observer::{SocketEvent, observe},
        recorder::{Count, Level, Timing},
    },
};

/// Keeps a device connected until the run closes its sockets, then records which of its
/// messages and telemetry did not get through.
pub async fn run_device(context: Arc<Context>, device: ScheduledDevice) {
    let Some(pool) = context.plan.devices.get(device.key.pool as usize) else {
        return;
    };
    let mut traffic = DeviceTraffic::for_device(&context, pool, device.key);
    reconnect_loop(&context, pool, &device, &mut traffic).await;
    traffic.finish(&context);
}

/// Records the messages and telemetry of a device that was never due: the run ended first.
pub fn skip_device(context: &Context, device: &ScheduledDevice) {
    if let Some(pool) = context.plan.devices.get(device.key.pool as usize) {
        DeviceTraffic::for_device(context, pool, device.key).finish(context);
    }
}

async fn reconnect_loop(
    context: &Context,
    pool: &DevicePool,
    // By reference all the way down: each of these futures holds what it is given.
    device: &ScheduledDevice,
    traffic: &mut DeviceTraffic,
) {
    let recorder = &context.recorder;
    recorder.count(Count::SocketsDue);
    recorder.time(Timing::SendLag, device.due.elapsed());
    let mut backoff = BackoffState::default();
    let mut conn_state = ConnState::NotTried;
    // Numbered, because each attempt tries the next address.
    for attempt in 0.. {
        // Boxed: an idle device does not hold what only an attempt needs.
        let opened = tokio::select! {
            opened = Box::pin(connect_tracked(context, pool, *device, attempt)) => opened,
            () = context.signals.close.cancelled() => return,
        };
        conn_state.on_attempt_ended(context, pool);
        let delay = match opened {
            Ok(mut socket) => {
                let since = Instant::now();
                conn_state.on_opened(context);
                observe(|| SocketEvent::Opened);
                let open = OpenSocketGuard::new(context, device.key);
                let end = run_session(context, pool, device, &mut socket, traffic).await;
                drop(open);
                if let Some(topics) = &mut traffic.topics {
                    topics.on_close(context, end == SocketEnd::Drained);
                }
                backoff.record_open_for(since.elapsed());
                let SocketEnd::Lost { loss, advice } = end else {
                    return;
                };
                let kind = loss.kind.kind();
                observe(|| SocketEvent::Lost(&kind));
                let example = || loss.example.map(|example| *example).unwrap_or_default();
                context.count_failure(counter::DISCONNECT, &kind, example);
                conn_state.on_lost(context);
                reconnect_delay(&mut backoff, &pool.reconnect, advice)
            }
            Err(ConnectError { cause, example }) => {
                let kind = cause.kind();
                observe(|| SocketEvent::Failed(&kind));
                context.count_failure(counter::CONNECT_FAILED, &kind, || *example);
                // The policy's delay comes on top of the server's: otherwise all devices
                // that one node rejected would come back in the same instant.
                cause.retry_after().unwrap_or_default()
                    + reconnect_delay(&mut backoff, &pool.reconnect, None)
            }
        };
        // In the drain a device comes back only for telemetry that lacks its answer.
        let may_stop = traffic.all_accepted();
        tokio::select! {
            () = sleep(delay) => {}
            () = context.signals.close.cancelled() => return,
            () = context.signals.drain.cancelled(), if may_stop => return,
        }
    }
}

/// A guard that counts a socket as open, also if its task is dropped.
struct OpenSocketGuard<'a> {
    context: &'a Context,
    key: DeviceKey,
}

impl<'a> OpenSocketGuard<'a> {
    fn new(context: &'a Context, key: DeviceKey) -> Self {
        context.recorder.add_to_level(Level::SocketsOpen, 1);
        // Commands go to open sockets only: a device that is away would fail them.
        context.connected_devices.insert(key, ());
        Self { context, key }
    }
}

impl Drop for OpenSocketGuard<'_> {
    fn drop(&mut self) {
        self.context.connected_devices.remove(self.key);
        self.context.recorder.add_to_level(Level::SocketsOpen, -1);
    }
}

/// Returns the node's advice, otherwise the policy's delay.
fn reconnect_delay(
    backoff: &mut BackoffState,
    policy: &ReconnectSpec,
    advice: Option<ReconnectAdvice>,
) -> Duration {
    let mut rng = SmallRng::from_rng(&mut rand::rng());
    match advice {
        Some(advice) => advice.retry + advice.window.mul_f64(rng.random()),
        None => backoff.next_delay(policy, &mut rng),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker holds one such future for each of its sockets.
    #[test]
    fn device_future_fits_a_kibibyte() {
        fn size<F: Future>(_: impl FnOnce(Arc<Context>, ScheduledDevice) -> F) -> usize {
            size_of::<F>()
        }
        let size = size(run_device);
        assert!(size <= 1024, "{size} bytes");
    }
}
