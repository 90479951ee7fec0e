//! One attempt to open a device's socket, with the steps that its pool declares, counted and
//! timed.

use std::time::Duration;

use highwater_reports::record::names::conn_event;
use highwater_scenarios::plan::DevicePool;
use tokio::time::Instant;

use super::{
    connect::connect,
    connect_error::ConnectError,
    connect_failure::ConnectFailure,
    connect_request::ConnectRequest,
    device_login::log_in,
    open_socket::OpenSocket,
    opening::Opening,
    schedule::ScheduledDevice,
    stomp_opening::StompOpening,
    upgrade::{DeviceSocket, OpenedSocket},
};
use crate::worker::{
    context::Context,
    frames::{SocketFrames, SocketIdentity},
    observer::{SocketEvent, is_observed, observe},
    recorder::{Count, Timing},
    values::DeviceValues,
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
) -> Result<Box<OpenSocket>, ConnectError> {
    let started_at = context.clock.now();
    let guard = AttemptGuard {
        context,
        started_at,
    };
    let connecting = context.ramp_gate.begin();
    let opened = connect_once(context, pool, device, attempt, started_at).await;
    drop(connecting);
    // The attempt has an answer. The guard owns nothing, so that forgetting it leaks nothing.
    std::mem::forget(guard);
    if let Err(error) = &opened {
        let events = &context.conn_events;
        events.record(started_at, conn_event::FAILED);
        if error.cause.retry_after().is_some() {
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
    started_at: Duration,
) -> Result<Box<OpenSocket>, ConnectError> {
    let values = context.device_values(device.key);
    let values = values.ok_or_else(no_address)?;
    observe_values(values);
    if values.values.needs_login(device.key) {
        log_in(context, values).await?;
    }
    let plan = AttemptPlan {
        pool,
        device,
        attempt,
        started_at,
        values,
    };
    let opened = open_socket(context, &plan).await;
    match &opened {
        Err(error) if error.cause.is_unauthorized() && values.values.login.is_some() => {
            context.recorder.count(Count::LoginsRenewed);
            log_in(context, values).await?;
            open_socket(context, &plan).await
        }
        _ => opened,
    }
}

/// An attempt: the device with its values, and the number of the attempt.
struct AttemptPlan<'a> {
    pool: &'a DevicePool,
    device: ScheduledDevice,
    attempt: usize,
    /// Start of the attempt, on the run's clock.
    started_at: Duration,
    values: DeviceValues<'a>,
}

/// The failure of an attempt without an address to try.
fn no_address() -> ConnectError {
    ConnectError::new(ConnectFailure::Unreachable, "no node takes sockets now")
}

fn observe_values(values: DeviceValues<'_>) {
    if is_observed() {
        let own = values.secrets();
        observe(|| SocketEvent::OwnValues(&own));
    }
}

async fn open_socket(
    context: &Context,
    plan: &AttemptPlan<'_>,
) -> Result<Box<OpenSocket>, ConnectError> {
    let AttemptPlan {
        pool,
        device,
        values,
        ..
    } = *plan;
    let addresses = context.addresses();
    let templates = addresses.of_pool(device.key.pool);
    let templates = templates.map_or(&[][..], |pool| &pool.ws);
    let count = templates.len();
    if count == 0 {
        return Err(no_address());
    }
    // Devices start evenly spread, and each new attempt tries the next address.
    let first = (device.key.index % count as u64) as usize;
    let template = &templates[(first + plan.attempt) % count];
    let options = &context.client_options;
    let header_lines = options
        .header_lines_for(&values.id(), &values.values.headers, &values)
        .map_err(|error| ConnectError::new(ConnectFailure::InvalidValue, error.to_string()))?;
    let request = ConnectRequest {
        address: &template.render(&values),
        dialect: context.dialect,
        header_lines: header_lines.expose_secret(),
        max_message_bytes: pool.max_message as usize,
        client_options: options,
        sources: &context.sources,
        device_number: device.number,
    };
    observe(|| SocketEvent::Connecting {
        address: request.address,
    });
    let started = Instant::now();
    let OpenedSocket {
        socket: mut stream,
        node,
        is_compressed,
    } = connect(request, pool.connect_timeout).await?;
    let times = OpeningTimes {
        started_at: plan.started_at,
        handshake: started.elapsed(),
    };
    let frames = match context.socket_identity(device.key) {
        Some(identity) => {
            let deadline = started + pool.connect_timeout;
            // Boxed: otherwise every device's future holds room for it.
            let opened = Box::pin(open_frames(context, plan, identity, &mut stream, deadline));
            let frames = opened.await?;
            if frames.stomp.is_some() || !identity.protocol.frames.open.is_empty() {
                context
                    .recorder
                    .time(Timing::ConnectOpen, started.elapsed());
            }
            Some(frames)
        }
        None => None,
    };
    record_opened(context, node.as_deref(), times);
    if is_compressed {
        context.recorder.count(Count::SocketsCompressed);
    }
    // Boxed: otherwise every state of the device's future holds room for it.
    Ok(Box::new(OpenSocket {
        stream,
        frames,
        exchanges: None,
    }))
}

/// Carries out the steps that the device's pool declares, and opens its session of STOMP.
async fn open_frames(
    context: &Context,
    plan: &AttemptPlan<'_>,
    identity: SocketIdentity<'_>,
    socket: &mut DeviceSocket,
    deadline: Instant,
) -> Result<Box<SocketFrames>, ConnectError> {
    let opening = Opening {
        socket,
        identity,
        recorder: &context.recorder,
        deadline,
    };
    let mut frames = opening.run().await?;
    if let Some(texts) = &identity.protocol.stomp {
        let opening = StompOpening {
            context,
            socket,
            pool: plan.pool,
            device: &plan.device,
            texts: texts.texts(&plan.values),
            deadline,
        };
        frames.stomp = Some(Box::new(opening.run().await?));
    }
    Ok(Box::new(frames))
}

/// The times of a successful attempt.
struct OpeningTimes {
    /// The start of the attempt, on the run's clock.
    started_at: Duration,
    /// Time to the answer of the handshake.
    handshake: Duration,
}

fn record_opened(context: &Context, node: Option<&str>, times: OpeningTimes) {
    context.recorder.time(Timing::Connect, times.handshake);
    let (now, events) = (context.clock.now(), &context.conn_events);
    let Some(node) = node else {
        return events.record(now, conn_event::OPENED);
    };
    events.record_at_node(now, conn_event::OPENED, node);
    if times.handshake > SLOW_CONNECT_AFTER {
        // At its start, because the balancer chose the node then.
        events.record_at_node(times.started_at, conn_event::DELAYED, node);
    }
}
