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
    open_socket::OpenSocket,
    schedule::ScheduledDevice,
    session::{Session, SocketEnd},
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
#[expect(
    clippy::manual_async_fn,
    reason = "the future of an `async fn` would hold each argument twice"
)]
pub fn run_device(
    context: Arc<Context>,
    device: ScheduledDevice,
) -> impl Future<Output = ()> + Send + 'static {
    async move {
        let Some(pool) = context.plan.devices.get(device.key.pool as usize) else {
            return;
        };
        let mut run = DeviceRun {
            context: &context,
            pool,
            device: &device,
            traffic: DeviceTraffic::for_device(&context, pool, device.key),
            backoff: BackoffState::default(),
            conn_state: ConnState::NotTried,
            has_failed: false,
        };
        run.reconnect_loop().await;
        run.traffic.finish(&context);
    }
}

/// Records the messages and telemetry of a device that was never due: the run ended first.
pub fn skip_device(context: &Context, device: &ScheduledDevice) {
    if let Some(pool) = context.plan.devices.get(device.key.pool as usize) {
        DeviceTraffic::for_device(context, pool, device.key).finish(context);
    }
}

/// A device with its state over all of its sockets.
///
/// The futures of a device take this or a [`Session`] by reference: each of them holds what it
/// is given, for as long as the socket is open.
struct DeviceRun<'a> {
    context: &'a Context,
    pool: &'a DevicePool,
    device: &'a ScheduledDevice,
    traffic: DeviceTraffic,
    backoff: BackoffState,
    conn_state: ConnState,
    /// Whether the last attempt failed.
    has_failed: bool,
}

impl DeviceRun<'_> {
    async fn reconnect_loop(&mut self) {
        let recorder = &self.context.recorder;
        recorder.count(Count::SocketsDue);
        recorder.time(Timing::SendLag, self.device.due.elapsed());
        // Numbered, because each attempt tries the next address.
        for attempt in 0.. {
            let Some(opened) = self.attempt(attempt).await else {
                return;
            };
            self.conn_state.on_attempt_ended(self.context, self.pool);
            self.has_failed = opened.is_err();
            let delay = match opened {
                Ok(socket) => {
                    let Some(delay) = self.run_socket(socket).await else {
                        return;
                    };
                    delay
                }
                Err(error) => self.on_failed(*error),
            };
            // Boxed: an idle device does not hold what only a pause needs.
            if !Box::pin(self.pause_before_attempt(delay)).await {
                return;
            }
        }
    }

    /// Opens a socket; `None` if the run closes its sockets first.
    async fn attempt(&self, attempt: usize) -> Option<Result<Box<OpenSocket>, Box<ConnectError>>> {
        // Boxed for the same reason.
        let connect = Box::pin(connect_tracked(
            self.context,
            self.pool,
            *self.device,
            attempt,
        ));
        tokio::select! {
            opened = connect => Some(opened.map_err(Box::new)),
            () = self.context.signals.close.cancelled() => None,
        }
    }

    /// Runs a socket until it ends. Returns the delay before the next attempt; `None` at the end
    /// of the run.
    async fn run_socket(&mut self, mut socket: Box<OpenSocket>) -> Option<Duration> {
        let context = self.context;
        let since = Instant::now();
        self.conn_state.on_opened(context);
        observe(|| SocketEvent::Opened);
        let open = OpenSocketGuard::new(context, &self.device.key);
        let mut session = Session::new(
            context,
            self.pool,
            self.device,
            &mut socket,
            &mut self.traffic,
        );
        let end = session.run_to_end().await;
        drop(open);
        if let Some(topics) = &mut self.traffic.topics {
            topics.on_close(context, end == SocketEnd::Drained);
        }
        self.backoff.record_open_for(since.elapsed());
        let SocketEnd::Lost { loss, advice } = end else {
            return None;
        };
        let kind = loss.kind.kind();
        observe(|| SocketEvent::Lost(&kind));
        let example = || loss.example.map(|example| *example).unwrap_or_default();
        context.count_device_failure(self.device.key, counter::DISCONNECT, &kind, example);
        self.conn_state.on_lost(context);
        Some(reconnect_delay(
            &mut self.backoff,
            &self.pool.reconnect,
            advice.map(|advice| *advice),
        ))
    }

    /// Counts a failed attempt. Returns the delay before the next one.
    fn on_failed(&mut self, error: ConnectError) -> Duration {
        let ConnectError { cause, example } = error;
        let kind = cause.kind();
        observe(|| SocketEvent::Failed(&kind));
        let (device, family) = (self.device.key, counter::CONNECT_FAILED);
        self.context
            .count_device_failure(device, family, &kind, || *example);
        // The policy's delay comes on top of the server's: otherwise all devices
        // that one node rejected would come back in the same instant.
        cause.retry_after().unwrap_or_default()
            + reconnect_delay(&mut self.backoff, &self.pool.reconnect, None)
    }

    /// Waits before the next attempt, and for its turn in the pool's budget if the last one has
    /// failed; `false` if the run ends first.
    async fn pause_before_attempt(&self, delay: Duration) -> bool {
        if !self.pause(delay).await {
            return false;
        }
        let budgets = &self.context.retry_budgets;
        let budget = budgets.get(self.device.key.pool as usize);
        let Some(budget) = budget.and_then(Option::as_ref).filter(|_| self.has_failed) else {
            return true;
        };
        let turn = budget.take_turn();
        if turn.is_zero() {
            return true;
        }
        self.context.recorder.count(Count::RetriesPostponed);
        self.pause(turn).await
    }

    /// Waits; `false` if the run ends first.
    async fn pause(&self, delay: Duration) -> bool {
        // In the drain a device comes back only for telemetry that lacks its answer.
        let may_stop = self.traffic.all_accepted();
        let signals = &self.context.signals;
        tokio::select! {
            () = sleep(delay) => true,
            () = signals.close.cancelled() => false,
            () = signals.drain.cancelled(), if may_stop => false,
        }
    }
}

/// A guard that counts a socket as open, also if its task is dropped.
struct OpenSocketGuard<'a> {
    context: &'a Context,
    key: &'a DeviceKey,
}

impl<'a> OpenSocketGuard<'a> {
    fn new(context: &'a Context, key: &'a DeviceKey) -> Self {
        context.recorder.add_to_level(Level::SocketsOpen, 1);
        // Commands go to open sockets only: a device that is away would fail them.
        if context.links.has_load_for_any_device() {
            context.connected_devices.insert(*key, ());
        }
        Self { context, key }
    }
}

impl Drop for OpenSocketGuard<'_> {
    fn drop(&mut self) {
        self.context.connected_devices.remove(*self.key);
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

    /// A worker holds one such future for each of its sockets, in an allocation that adds 88
    /// bytes. jemalloc rounds it up to 768 bytes.
    #[test]
    fn device_future_fits_its_allocation() {
        fn size<F: Future>(_: impl FnOnce(Arc<Context>, ScheduledDevice) -> F) -> usize {
            size_of::<F>()
        }
        let size = size(run_device);
        assert!(size <= 768 - 88, "{size} bytes");
    }

    /// The second allocation of a socket.
    #[test]
    fn open_socket_fits_its_allocation() {
        let size = size_of::<OpenSocket>();
        assert!(size <= 128, "{size} bytes");
    }
}
