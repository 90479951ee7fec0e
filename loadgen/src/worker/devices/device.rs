//! One device's life: open, lose the socket, pause, open again.

use std::{sync::Arc, time::Duration};

use highwater_reports::record::names::counter;
use highwater_scenarios::plan::{DevicePool, ReconnectSpec};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use tokio::time::{Instant, sleep};

use super::{
    backoff::BackoffState,
    connect::{ConnectFailure, ConnectRequest, DeviceSocket, OpenedSocket, connect},
    session::{SocketEnd, run},
    telemetry::TelemetrySender,
};
use crate::worker::{
    context::Context,
    messages::TopicClient,
    recorder::{Count, Level, Timing},
};

/// An attempt to open that waits longer than this was sent to somebody who hangs.
const SLOW_CONNECT_AFTER: Duration = Duration::from_secs(1);

/// Which device of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceKey {
    /// Number of its pool in the plan.
    pub pool: u32,
    /// Its number in the pool.
    pub index: u64,
}

/// A device of this worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScheduledDevice {
    /// Which one of the plan.
    pub key: DeviceKey,
    /// Its number among this worker's.
    pub number: u32,
    /// Where its heartbeats lie in their period, in `[0, 1)`.
    pub heartbeat_phase: f64,
    /// When it opens.
    pub due: Instant,
}

impl DeviceKey {
    /// The id under which the system knows the device.
    pub fn id(self, pool: &DevicePool) -> String {
        format!("{}-{}", pool.name, self.index)
    }
}

/// Lives until the run closes its sockets; then tells which of its messages and
/// readings came to nothing.
pub async fn run_device(context: Arc<Context>, device: ScheduledDevice) {
    let Some(pool) = context.plan.devices.get(device.key.pool as usize) else {
        return;
    };
    let mut member = TopicClient::for_device(&context, device.key);
    let mut upstream = TelemetrySender::for_device(&context, pool, device.key.index);
    let parts = (member.as_deref_mut(), upstream.as_deref_mut());
    reconnect_loop(&context, pool, &device, parts).await;
    finish_device(&context, member, upstream);
}

/// The same for one whose time to live never came.
pub fn skip_device(context: &Context, device: &ScheduledDevice) {
    let Some(pool) = context.plan.devices.get(device.key.pool as usize) else {
        return;
    };
    let member = TopicClient::for_device(context, device.key);
    finish_device(
        context,
        member,
        TelemetrySender::for_device(context, pool, device.key.index),
    );
}

fn finish_device(
    context: &Context,
    member: Option<Box<TopicClient>>,
    upstream: Option<Box<TelemetrySender>>,
) {
    if let Some(mut member) = member {
        member.finish(context);
    }
    if let Some(upstream) = upstream {
        context.add_unaccepted_telemetry(upstream.finish(context));
    }
}

async fn reconnect_loop(
    context: &Context,
    pool: &DevicePool,
    // By reference all the way down: each of these futures holds what it is given.
    device: &ScheduledDevice,
    (mut member, mut upstream): (Option<&mut TopicClient>, Option<&mut TelemetrySender>),
) {
    let recorder = &context.recorder;
    recorder.count(Count::SocketsDue);
    recorder.time(Timing::SendLag, device.due.elapsed());
    let mut backoff = BackoffState::default();
    let mut conn_state = ConnState::NotTried;
    for attempt in 0.. {
        // Boxed, so that what only the opening needs is not held while idle.
        let opened = tokio::select! {
            opened = Box::pin(connect_tracked(context, pool, *device, attempt)) => opened,
            () = context.signals.close.cancelled() => return,
        };
        conn_state.on_first_attempt(context, pool);
        let mut advice = None;
        let mut asked = Duration::ZERO;
        match opened {
            Ok(mut socket) => {
                let since = Instant::now();
                conn_state.on_opened(context);
                let parts = (member.as_deref_mut(), upstream.as_deref_mut());
                let ending = run_counted(context, pool, device, &mut socket, parts).await;
                if let Some(member) = member.as_deref_mut() {
                    member.on_close(context, ending == SocketEnd::Drained);
                }
                backoff.record_open_for(since.elapsed());
                match ending {
                    SocketEnd::Drained => return,
                    SocketEnd::Lost {
                        cause: how,
                        reconnect_advice: given,
                    } => {
                        advice = given;
                        recorder.count_kind(counter::DISCONNECT, &how.kind());
                        conn_state.on_lost(context);
                    }
                }
            }
            Err(failure) => {
                recorder.count_kind(counter::CONNECT_FAILED, failure.kind());
                asked = server_delay(failure);
            }
        }
        let pause = asked + reconnect_delay(&mut backoff, &pool.reconnect, advice);
        // In the drain a device comes back only for readings that lack their answer.
        let may_rest = upstream
            .as_ref()
            .is_none_or(|upstream| upstream.all_accepted());
        tokio::select! {
            () = sleep(pause) => {}
            () = context.signals.close.cancelled() => return,
            () = context.signals.drain.cancelled(), if may_rest => return,
        }
    }
}

/// What has become of the device so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ConnState {
    NotTried,
    NeverOpened,
    Open,
    /// Since so many milliseconds of the run's clock; small, since every device
    /// carries it.
    Lost(u32),
}

impl ConnState {
    /// The first attempt has an outcome.
    fn on_first_attempt(&mut self, context: &Context, pool: &DevicePool) {
        if *self == Self::NotTried {
            *self = Self::NeverOpened;
            if pool.start.is_none() {
                context.recorder.ramp_socket_resolved();
            }
        }
    }

    fn on_opened(&mut self, context: &Context) {
        let recorder = &context.recorder;
        if let Self::Lost(since_ms) = *self {
            let now = context.clock.now();
            let since = Duration::from_millis(since_ms.into());
            recorder.count(Count::SocketsReopened);
            recorder.time(Timing::Reconnect, now.saturating_sub(since));
            context.conn_events.record_reconnected(now);
        } else {
            recorder.count(Count::SocketsOpened);
        }
        *self = Self::Open;
    }

    fn on_lost(&mut self, context: &Context) {
        let now = context.clock.now();
        context.conn_events.record_lost(now);
        // A run of over 49 days would show times that are too long.
        *self = Self::Lost(u32::try_from(now.as_millis()).unwrap_or(u32::MAX));
    }
}

async fn connect_tracked(
    context: &Context,
    pool: &DevicePool,
    device: ScheduledDevice,
    attempt: usize,
) -> Result<Box<DeviceSocket>, ConnectFailure> {
    let waiting = ConnectAttempt::begin(context);
    let opened = connect_once(context, pool, device, attempt).await;
    let begun = waiting.finish();
    if let Err(failure) = &opened {
        context.conn_events.record_failed(begun);
        if failure.is_at_capacity() {
            context.conn_events.record_rejected(begun);
        }
    }
    opened
}

/// An attempt to open. One that is dropped was cut off by the end of the run.
struct ConnectAttempt<'a> {
    context: &'a Context,
    started_at: Duration,
}

impl<'a> ConnectAttempt<'a> {
    fn begin(context: &'a Context) -> Self {
        Self {
            context,
            started_at: context.clock.now(),
        }
    }

    /// It has an outcome. Says when it began.
    fn finish(self) -> Duration {
        let begun = self.started_at;
        std::mem::forget(self);
        begun
    }
}

impl Drop for ConnectAttempt<'_> {
    fn drop(&mut self) {
        if self.context.clock.now().saturating_sub(self.started_at) > SLOW_CONNECT_AFTER {
            self.context.conn_events.record_unanswered(self.started_at);
        }
    }
}

async fn connect_once(
    context: &Context,
    pool: &DevicePool,
    device: ScheduledDevice,
    attempt: usize,
) -> Result<Box<DeviceSocket>, ConnectFailure> {
    let endpoints = context.endpoints();
    let count = endpoints.ws.len();
    if count == 0 {
        return Err(ConnectFailure::Unreachable);
    }
    // Devices start evenly spread, and each new attempt tries the next address.
    let first = (device.key.index % count as u64) as usize;
    let address = &endpoints.ws[(first + attempt) % count];
    let id = device.key.id(pool);
    let address = address.replace("{device}", &id);
    let lines = context.client_options.header_lines_for(&id);
    let started = Instant::now();
    let wanted = ConnectRequest {
        address: &address,
        header_lines: lines.expose_secret(),
        tls: context.client_options.tls(),
        worker_index: context.segment.index(),
        device_number: device.number,
    };
    let OpenedSocket { socket, node } = connect(wanted, pool.connect_timeout).await?;
    let took = started.elapsed();
    context.recorder.time(Timing::Connect, took);
    if let Some(node) = node {
        let now = context.clock.now();
        context.conn_events.record_opened(now, &node);
        if took > SLOW_CONNECT_AFTER {
            context
                .conn_events
                .record_answered_late(now.saturating_sub(took), &node);
        }
    }
    // Boxed: every state of the device's future would hold room for it else.
    Ok(Box::new(socket))
}

async fn run_counted(
    context: &Context,
    pool: &DevicePool,
    device: &ScheduledDevice,
    socket: &mut DeviceSocket,
    (member, upstream): (Option<&mut TopicClient>, Option<&mut TelemetrySender>),
) -> SocketEnd {
    let _open = OpenSocketGuard::new(context, device.key);
    run(context, pool, device, socket, member, upstream).await
}

/// Counts a socket as open for as long as it lives, also when its task ends
/// in another way than by returning.
struct OpenSocketGuard<'a> {
    context: &'a Context,
    key: DeviceKey,
}

impl<'a> OpenSocketGuard<'a> {
    fn new(context: &'a Context, key: DeviceKey) -> Self {
        context.recorder.add_to_level(Level::SocketsOpen, 1);
        context.connected_devices.insert(key);
        Self { context, key }
    }
}

impl Drop for OpenSocketGuard<'_> {
    fn drop(&mut self) {
        self.context.connected_devices.remove(self.key);
        self.context.recorder.add_to_level(Level::SocketsOpen, -1);
    }
}

/// What a server that has no room asks for; the policy's pause comes on top, or all
/// who were turned away would come back in the same instant.
fn server_delay(failure: ConnectFailure) -> Duration {
    match failure {
        ConnectFailure::Rejected { retry_after } => retry_after.unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

/// What the node advised, else what the policy says.
fn reconnect_delay(
    backoff: &mut BackoffState,
    policy: &ReconnectSpec,
    advice: Option<(Duration, Duration)>,
) -> Duration {
    let mut rng = SmallRng::from_rng(&mut rand::rng());
    match advice {
        Some((retry, window)) => retry + window.mul_f64(rng.random()),
        None => backoff.next_delay(policy, &mut rng),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker holds one such future for each of its sockets.
    #[test]
    fn an_idle_device_is_small() {
        fn size<F: Future>(_: impl FnOnce(Arc<Context>, ScheduledDevice) -> F) -> usize {
            size_of::<F>()
        }
        let size = size(run_device);
        assert!(size <= 1024, "{size} bytes");
    }
}
