//! The state that all users of a worker share.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use highwater_reports::record::FailureExample;
use highwater_scenarios::{Plan, Segment, frames::CompiledHeartbeat};
use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use super::{
    conn_events::ConnEventCounter,
    connected_devices::ConnectedDevices,
    dialect::Dialect,
    failure_examples::FailureExamples,
    frames::{PoolProtocol, SocketIdentity},
    links::DeviceLinks,
    recorder::{Count, Recorder},
    signals::Signals,
};
use crate::{
    access::ClientOptions, clock::RunClock, control::UnacceptedTelemetry, endpoints::Endpoints,
    keys::DeviceKey,
};

/// One worker's run: its work, its times, its system and its counts.
///
/// Shared behind an `Arc`: each device's future holds one pointer to it.
pub struct Context {
    /// The plan of the run.
    pub plan: Plan,
    /// This worker's part of the plan.
    pub segment: Segment,
    /// The run's clock.
    pub clock: RunClock,
    /// The system's dialect, shared by all sockets of the worker.
    pub dialect: &'static dyn Dialect,
    /// Certificates, header fields and tokens of clients.
    pub client_options: ClientOptions,
    /// The signals that start and stop the users.
    pub signals: Signals,
    /// Counts, levels and timings.
    pub recorder: Recorder,
    /// Sockets that open and are lost, in buckets of 100 ms.
    pub conn_events: ConnEventCounter,
    /// Examples of answers and errors behind the counts of failures.
    pub failure_examples: FailureExamples,
    /// The devices that a command can be sent to.
    pub connected_devices: ConnectedDevices,
    /// The open sockets that messages and commands with a request of the scenario's own use.
    pub links: DeviceLinks,
    /// Telemetry of finished devices that was not accepted, until it is sent to the
    /// coordinator.
    pub unaccepted_telemetry: Mutex<Vec<UnacceptedTelemetry>>,
    /// The protocol of each pool that declares frames, in the plan's order.
    protocols: Box<[Option<PoolProtocol>]>,
    endpoints: RwLock<Arc<Endpoints>>,
    next_http_index: AtomicUsize,
    messages_received: AtomicU64,
    drain_at: OnceLock<Instant>,
}

/// The protocols that devices and commands speak.
pub struct Protocols {
    /// The dialect of the system.
    pub dialect: &'static dyn Dialect,
    /// The protocol of each pool that declares frames, in the plan's order.
    pub pools: Box<[Option<PoolProtocol>]>,
}

impl Context {
    /// Creates the context of one assignment, once the clock is set.
    pub fn new(
        plan: Plan,
        segment: Segment,
        protocols: Protocols,
        endpoints: Endpoints,
        client_options: ClientOptions,
        clock: RunClock,
        signals: Signals,
    ) -> Self {
        let Protocols {
            dialect,
            pools: protocols,
        } = protocols;
        let mask = client_options.secret_mask(&endpoints.ws);
        Self {
            links: DeviceLinks::new(&plan, &protocols),
            protocols,
            dialect,
            connected_devices: ConnectedDevices::default(),
            unaccepted_telemetry: Mutex::default(),
            recorder: Recorder::default(),
            conn_events: ConnEventCounter::default(),
            failure_examples: FailureExamples::new(mask),
            endpoints: RwLock::new(Arc::new(endpoints)),
            messages_received: AtomicU64::new(0),
            drain_at: OnceLock::new(),
            // Workers start at different addresses, or all first commands would go to one.
            next_http_index: AtomicUsize::new(segment.index() as usize),
            plan,
            segment,
            clock,
            client_options,
            signals,
        }
    }

    /// Returns the system's addresses as they are now.
    pub fn endpoints(&self) -> Arc<Endpoints> {
        self.endpoints.read().clone()
    }

    /// Replaces the system's addresses.
    pub fn set_endpoints(&self, endpoints: Endpoints) {
        *self.endpoints.write() = Arc::new(endpoints);
    }

    /// Returns what the frames of a device's socket need; `None` where its pool declares none.
    pub fn socket_identity(&self, device: DeviceKey) -> Option<SocketIdentity<'_>> {
        let pool = device.pool as usize;
        Some(SocketIdentity {
            pool: self.plan.devices.get(pool)?,
            device,
            worker: self.segment.index(),
            protocol: self.protocols.get(pool)?.as_ref()?,
        })
    }

    /// Returns the heartbeat of a device's pool; `None` where it is a WebSocket ping.
    pub fn heartbeat_frames(&self, device: DeviceKey) -> Option<&CompiledHeartbeat> {
        let protocol = self.protocols.get(device.pool as usize)?.as_ref()?;
        protocol.frames.heartbeat.as_ref()
    }

    /// Counts a failure as `FAMILY.KIND`, with an example that may be kept.
    pub fn count_failure(
        &self,
        family: &str,
        kind: &str,
        example: impl FnOnce() -> FailureExample,
    ) {
        self.recorder.count_kind(family, kind);
        let counter = format!("{family}.{kind}");
        self.failure_examples.record(&counter, example);
    }

    /// Returns the number of the address that the worker's next command tries first,
    /// modulo the count of addresses.
    pub fn next_http_index(&self) -> usize {
        self.next_http_index.fetch_add(1, Relaxed)
    }

    /// Counts a message to a topic that a socket received.
    pub fn record_message_received(&self) {
        self.messages_received.fetch_add(1, Relaxed);
        self.recorder.count(Count::MessagesReceived);
    }

    /// Returns how many messages this worker's sockets have received so far.
    pub fn messages_received(&self) -> u64 {
        self.messages_received.load(Relaxed)
    }

    /// Returns when the drain begins, once that is known.
    pub fn drain_at(&self) -> Option<Instant> {
        self.drain_at.get().copied()
    }

    /// Sets when the drain begins.
    pub fn set_drain_at(&self, instant: Instant) {
        // The first value stays: an interrupt sets an earlier drain than the plan's, which
        // comes later and changes nothing.
        let _ = self.drain_at.set(instant);
    }
}
