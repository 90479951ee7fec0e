//! One attempt to open a device's socket, counted and timed.

use std::time::Duration;

use highwater_reports::record::names::conn_event;
use highwater_scenarios::plan::DevicePool;
use tokio::time::Instant;

use super::{
    connect::connect,
    connect_failure::ConnectFailure,
    connect_request::ConnectRequest,
    schedule::ScheduledDevice,
    upgrade::{DeviceSocket, OpenedSocket},
};
use crate::{
    keys::DeviceKey,
    worker::{
        context::Context,
        recorder::{Count, Timing},
    },
};

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
    let started_at = context.clock.now();
    let guard = AttemptGuard {
        context,
        started_at,
    };
    let opened = connect_once(context, pool, device, attempt).await;
    // The attempt has an answer. The guard owns nothing, so that forgetting it leaks nothing.
    std::mem::forget(guard);
    if let Err(failure) = &opened {
        let events = &context.conn_events;
        events.record(started_at, conn_event::FAILED);
        if failure.retry_after().is_some() {
            events.record(started_at, conn_event::REJECTED);
        }
    }
    opened
}

/// An attempt that has not ended. If it is dropped, the end of the run has cut it off.
struct AttemptGuard<'a> {
    context: &'a Context,
    started_at: Duration,
}

impl Drop for AttemptGuard<'_> {
    fn drop(&mut self) {
        let Self {
            context,
            started_at,
        } = *self;
        // A quick attempt that is cut off says nothing of the system.
        if context.clock.now().saturating_sub(started_at) > SLOW_CONNECT_AFTER {
            let events = &context.conn_events;
            events.record(started_at, conn_event::UNANSWERED);
        }
    }
}

/// Logs the device in if it must, and opens its socket. After a handshake that is refused for
/// the credentials, the device logs in and tries once more.
async fn connect_once(
    context: &Context,
    pool: &DevicePool,
    device: ScheduledDevice,
    attempt: usize,
) -> Result<Box<DeviceSocket>, ConnectFailure> {
    let values = context.pools.get(device.key.pool as usize);
    if values.is_some_and(|values| values.needs_login(device.key)) {
        log_in(context, device.key).await?;
    }
    let opened = open_socket(context, pool, device, attempt).await;
    let has_login = values.is_some_and(|values| values.login.is_some());
    match &opened {
        Err(failure) if failure.is_unauthorized() && has_login => {
            context.recorder.count(Count::LoginsRenewed);
            log_in(context, device.key).await?;
            open_socket(context, pool, device, attempt).await
        }
        _ => opened,
    }
}

async fn log_in(context: &Context, key: DeviceKey) -> Result<(), ConnectFailure> {
    match &context.login_client {
        Some(client) => {
            let logged_in = client.log_in(context, key).await;
            logged_in.map_err(|_| ConnectFailure::Login)
        }
        None => Ok(()),
    }
}

async fn open_socket(
    context: &Context,
    pool: &DevicePool,
    device: ScheduledDevice,
    attempt: usize,
) -> Result<Box<DeviceSocket>, ConnectFailure> {
    let addresses = context.addresses();
    let templates = addresses.of_pool(device.key.pool);
    let templates = templates.map_or(&[][..], |pool| &pool.ws);
    let count = templates.len();
    if count == 0 {
        // No node takes sockets now, which is the same as a name without an address.
        return Err(ConnectFailure::Unreachable);
    }
    // Devices start evenly spread, and each new attempt tries the next address.
    let first = (device.key.index % count as u64) as usize;
    let template = &templates[(first + attempt) % count];
    let values = context.device_values(device.key);
    let values = values.ok_or(ConnectFailure::Unreachable)?;
    let headers = &values.pool.headers;
    let options = &context.client_options;
    let header_lines = options
        .header_lines_for(&values.id, headers, &values)
        .map_err(|_| ConnectFailure::InvalidValue)?;
    let request = ConnectRequest {
        address: &template.render(&values),
        dialect: context.dialect,
        header_lines: header_lines.expose_secret(),
        max_message_bytes: pool.max_message as usize,
        subprotocols: options.subprotocols(),
        unexpected_answers: &context.unexpected_answers,
        tls: options.tls(),
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
    let (now, events) = (context.clock.now(), &context.conn_events);
    let Some(node) = node else {
        return events.record(now, conn_event::OPENED);
    };
    events.record_at_node(now, conn_event::OPENED, node);
    if took > SLOW_CONNECT_AFTER {
        // At its start, because the balancer chose the node then.
        let started_at = now.saturating_sub(took);
        events.record_at_node(started_at, conn_event::DELAYED, node);
    }
}
