//! One device's life: open, lose the socket, pause, open again.

use std::{sync::Arc, time::Duration};

use highwater_reports::record::names::counter;
use highwater_scenarios::plan::{DevicePool, Reconnect};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use tokio::time::{Instant, sleep};

use super::{
    backoff::Backoff,
    connect::{ConnectFailure, DeviceSocket, Opened, Wanted, connect},
    session::{Ending, keep},
    telemetry::Upstream,
};
use crate::worker::{
    context::Context,
    messages::Member,
    recorder::{Count, Level, Timing},
};

/// An attempt to open that waits longer than this was sent to somebody who hangs.
const LATE: Duration = Duration::from_secs(1);

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
pub struct Device {
    /// Which one of the plan.
    pub key: DeviceKey,
    /// Its number among this worker's.
    pub number: u32,
    /// Where its heartbeats lie in their period, in `[0, 1)`.
    pub phase: f64,
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
pub async fn live(context: Arc<Context>, device: Device) {
    let Some(pool) = context.plan.devices.get(device.key.pool as usize) else {
        return;
    };
    let mut member = Member::of(&context, device.key);
    let mut upstream = Upstream::of(&context, pool, device.key.index);
    let parts = (member.as_deref_mut(), upstream.as_deref_mut());
    open_and_lose(&context, pool, &device, parts).await;
    finish(&context, member, upstream);
}

/// The same for one whose time to live never came.
pub fn never_lived(context: &Context, device: &Device) {
    let Some(pool) = context.plan.devices.get(device.key.pool as usize) else {
        return;
    };
    let member = Member::of(context, device.key);
    finish(
        context,
        member,
        Upstream::of(context, pool, device.key.index),
    );
}

fn finish(context: &Context, member: Option<Box<Member>>, upstream: Option<Box<Upstream>>) {
    if let Some(mut member) = member {
        member.finish(context);
    }
    if let Some(upstream) = upstream {
        context.unaccepted(upstream.finish(context));
    }
}

async fn open_and_lose(
    context: &Context,
    pool: &DevicePool,
    // By reference all the way down: each of these futures holds what it is given.
    device: &Device,
    (mut member, mut upstream): (Option<&mut Member>, Option<&mut Upstream>),
) {
    let recorder = &context.recorder;
    recorder.count(Count::SocketsDue);
    recorder.time(Timing::SendLag, device.due.elapsed());
    let mut backoff = Backoff::default();
    let mut life = Life::Unborn;
    for attempt in 0.. {
        // Boxed, so that what only the opening needs is not held while idle.
        let opened = tokio::select! {
            opened = Box::pin(open(context, pool, *device, attempt)) => opened,
            () = context.signals.close.cancelled() => return,
        };
        life.resolved(context, pool);
        let mut advice = None;
        let mut asked = Duration::ZERO;
        match opened {
            Ok(mut socket) => {
                let since = Instant::now();
                life.opened(context);
                let parts = (member.as_deref_mut(), upstream.as_deref_mut());
                let ending = keep_connected(context, pool, device, &mut socket, parts).await;
                if let Some(member) = member.as_deref_mut() {
                    member.ended(context, ending == Ending::Drained);
                }
                backoff.was_open(since.elapsed());
                match ending {
                    Ending::Drained => return,
                    Ending::Lost { how, advice: given } => {
                        advice = given;
                        recorder.count_kind(counter::DISCONNECT, &how.kind());
                        life.lost(context);
                    }
                }
            }
            Err(failure) => {
                recorder.count_kind(counter::CONNECT_FAILED, failure.kind());
                asked = retry_after(failure);
            }
        }
        let pause = asked + pause(&mut backoff, &pool.reconnect, advice);
        // In the drain a device comes back only for readings that lack their answer.
        let may_rest = upstream
            .as_ref()
            .is_none_or(|upstream| upstream.is_settled());
        tokio::select! {
            () = sleep(pause) => {}
            () = context.signals.close.cancelled() => return,
            () = context.signals.drain.cancelled(), if may_rest => return,
        }
    }
}

/// What has become of the device so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Unborn,
    NeverOpen,
    Open,
    /// Since so many milliseconds of the run's clock; small, since every device
    /// carries it.
    Lost(u32),
}

impl Life {
    /// The first attempt has an outcome.
    fn resolved(&mut self, context: &Context, pool: &DevicePool) {
        if *self == Self::Unborn {
            *self = Self::NeverOpen;
            if pool.start.is_none() {
                context.recorder.ramp_socket_resolved();
            }
        }
    }

    fn opened(&mut self, context: &Context) {
        let recorder = &context.recorder;
        if let Self::Lost(since_ms) = *self {
            let now = context.clock.now();
            let since = Duration::from_millis(since_ms.into());
            recorder.count(Count::SocketsReopened);
            recorder.time(Timing::Reconnect, now.saturating_sub(since));
            context.movements.returned(now);
        } else {
            recorder.count(Count::SocketsOpened);
        }
        *self = Self::Open;
    }

    fn lost(&mut self, context: &Context) {
        let now = context.clock.now();
        context.movements.departed(now);
        // A run of over 49 days would show times that are too long.
        *self = Self::Lost(u32::try_from(now.as_millis()).unwrap_or(u32::MAX));
    }
}

async fn open(
    context: &Context,
    pool: &DevicePool,
    device: Device,
    attempt: usize,
) -> Result<Box<DeviceSocket>, ConnectFailure> {
    let waiting = Waiting::since_now(context);
    let opened = try_to_open(context, pool, device, attempt).await;
    let begun = waiting.end();
    if let Err(failure) = &opened {
        context.movements.refused(begun);
        if failure.is_for_want_of_room() {
            context.movements.turned_away(begun);
        }
    }
    opened
}

/// An attempt to open. One that is dropped was cut off by the end of the run.
struct Waiting<'a> {
    context: &'a Context,
    begun: Duration,
}

impl<'a> Waiting<'a> {
    fn since_now(context: &'a Context) -> Self {
        Self {
            context,
            begun: context.clock.now(),
        }
    }

    /// It has an outcome. Says when it began.
    fn end(self) -> Duration {
        let begun = self.begun;
        std::mem::forget(self);
        begun
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.context.clock.now().saturating_sub(self.begun) > LATE {
            self.context.movements.unanswered(self.begun);
        }
    }
}

async fn try_to_open(
    context: &Context,
    pool: &DevicePool,
    device: Device,
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
    let lines = context.doorway.lines_for(&id);
    let started = Instant::now();
    let wanted = Wanted {
        address: &address,
        lines: lines.reveal(),
        tls: context.doorway.tls(),
        worker: context.segment.index(),
        number: device.number,
    };
    let Opened { socket, node } = connect(wanted, pool.connect_timeout).await?;
    let took = started.elapsed();
    context.recorder.time(Timing::Connect, took);
    if let Some(node) = node {
        let now = context.clock.now();
        context.movements.arrived(now, &node);
        if took > LATE {
            context.movements.delayed(now.saturating_sub(took), &node);
        }
    }
    // Boxed: every state of the device's future would hold room for it else.
    Ok(Box::new(socket))
}

async fn keep_connected(
    context: &Context,
    pool: &DevicePool,
    device: &Device,
    socket: &mut DeviceSocket,
    (member, upstream): (Option<&mut Member>, Option<&mut Upstream>),
) -> Ending {
    let _open = OpenSocket::new(context, device.key);
    keep(context, pool, device, socket, member, upstream).await
}

/// Counts a socket as open for as long as it lives, also when its task ends
/// in another way than by returning.
struct OpenSocket<'a> {
    context: &'a Context,
    key: DeviceKey,
}

impl<'a> OpenSocket<'a> {
    fn new(context: &'a Context, key: DeviceKey) -> Self {
        context.recorder.shift(Level::SocketsOpen, 1);
        context.connected.insert(key);
        Self { context, key }
    }
}

impl Drop for OpenSocket<'_> {
    fn drop(&mut self) {
        self.context.connected.remove(self.key);
        self.context.recorder.shift(Level::SocketsOpen, -1);
    }
}

/// What a server that has no room asks for; the policy's pause comes on top, or all
/// who were turned away would come back in the same instant.
fn retry_after(failure: ConnectFailure) -> Duration {
    match failure {
        ConnectFailure::Rejected { retry_after } => retry_after.unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

/// What the node advised, else what the policy says.
fn pause(
    backoff: &mut Backoff,
    policy: &Reconnect,
    advice: Option<(Duration, Duration)>,
) -> Duration {
    let mut rng = SmallRng::from_rng(&mut rand::rng());
    match advice {
        Some((retry, window)) => retry + window.mul_f64(rng.random()),
        None => backoff.pause(policy, &mut rng),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker holds one such future for each of its sockets.
    #[test]
    fn an_idle_device_is_small() {
        fn size<F: Future>(_: impl FnOnce(Arc<Context>, Device) -> F) -> usize {
            size_of::<F>()
        }
        let size = size(live);
        assert!(size <= 1024, "{size} bytes");
    }
}
