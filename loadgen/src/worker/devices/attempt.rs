//! One attempt to open a device's socket, counted and timed.

use std::time::Duration;

use highwater_scenarios::plan::DevicePool;
use tokio::time::Instant;

use super::{
    connect::{ConnectRequest, connect},
    connect_failure::ConnectFailure,
    schedule::ScheduledDevice,
    socket::{DeviceSocket, OpenedSocket},
};
use crate::worker::{context::Context, recorder::Timing};

/// Time after which an attempt counts as delayed: the system accepted the connection and
/// did not answer, as one that hangs does.
const SLOW_CONNECT_AFTER: Duration = Duration::from_secs(1);

/// Opens a socket of `device`, and records when the attempt began and how it ended.
pub async fn connect_tracked(
    context: &Context,
    pool: &DevicePool,
    device: ScheduledDevice,
    attempt: usize,
) -> Result<Box<DeviceSocket>, ConnectFailure> {
    let guard = AttemptGuard::begin(context);
    let opened = connect_once(context, pool, device, attempt).await;
    let started_at = guard.finish();
    if let Err(failure) = &opened {
        context.conn_events.record_failed(started_at);
        if failure.is_at_capacity() {
            context.conn_events.record_rejected(started_at);
        }
    }
    opened
}

/// An attempt that has not ended. If it is dropped, the end of the run has cut it off.
struct AttemptGuard<'a> {
    context: &'a Context,
    started_at: Duration,
}

impl<'a> AttemptGuard<'a> {
    fn begin(context: &'a Context) -> Self {
        Self {
            context,
            started_at: context.clock.now(),
        }
    }

    /// Ends the attempt in order. Returns when it began.
    fn finish(self) -> Duration {
        let started_at = self.started_at;
        // The guard owns nothing, so that forgetting it leaks nothing.
        std::mem::forget(self);
        started_at
    }
}

impl Drop for AttemptGuard<'_> {
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
    let template = &endpoints.ws[(first + attempt) % count];
    let id = device.key.id(pool);
    let headers = context.client_options.header_lines_for(&id);
    let request = ConnectRequest {
        address: &context.dialect.device_address(template, &id),
        dialect: context.dialect,
        header_lines: headers.expose_secret(),
        max_message_bytes: pool.max_message as usize,
        subprotocols: context.client_options.subprotocols(),
        unexpected_answers: &context.unexpected_answers,
        tls: context.client_options.tls(),
        worker_index: context.segment.index(),
        device_number: device.number,
    };
    let started = Instant::now();
    let OpenedSocket { socket, node } = connect(request, pool.connect_timeout).await?;
    record_opened(context, node.as_deref(), started.elapsed());
    // Boxed: otherwise every state of the device's future holds room for it.
    Ok(Box::new(socket))
}

fn record_opened(context: &Context, node: Option<&str>, took: Duration) {
    context.recorder.time(Timing::Connect, took);
    let now = context.clock.now();
    context.conn_events.record_opened(now, node);
    if let Some(node) = node
        && took > SLOW_CONNECT_AFTER
    {
        let started_at = now.saturating_sub(took);
        context.conn_events.record_answered_late(started_at, node);
    }
}
