//! The state that all users of a worker share.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use highwater_scenarios::{Plan, Segment};
use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use super::{
    addresses::Addresses,
    conn_events::ConnEventCounter,
    connected_devices::ConnectedDevices,
    dialect::Dialect,
    login::LoginClient,
    recorder::{Count, Recorder},
    signals::Signals,
    unexpected_answers::UnexpectedAnswers,
    values::{DeviceValues, PoolValues},
};
use crate::{
    access::ClientOptions, clock::RunClock, control::UnacceptedTelemetry, endpoints::Endpoints,
    keys::DeviceKey,
};

/// The clients of a worker, and what they put into their requests.
pub struct Clients {
    /// Certificates, header fields and tokens.
    pub options: ClientOptions,
    /// The compiled texts and the values of each pool, in the order of the plan.
    pub pools: Vec<PoolValues>,
    /// The client of logins; `None` where no pool has one.
    pub login: Option<LoginClient>,
}

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
    /// Examples of answers that the scenario does not hope for.
    pub unexpected_answers: UnexpectedAnswers,
    /// The devices that a command can be sent to.
    pub connected_devices: ConnectedDevices,
    /// Telemetry of finished devices that was not accepted, until it is sent to the
    /// coordinator.
    pub unaccepted_telemetry: Mutex<Vec<UnacceptedTelemetry>>,
    /// The compiled texts and the values of each pool, in the order of the plan.
    pub pools: Vec<PoolValues>,
    /// The client of logins; `None` where no pool has one.
    pub login_client: Option<LoginClient>,
    addresses: RwLock<Arc<Addresses>>,
    next_http_index: AtomicUsize,
    messages_received: AtomicU64,
    drain_at: OnceLock<Instant>,
}

impl Context {
    /// Creates the context of one assignment, once the clock is set.
    pub fn new(
        plan: Plan,
        segment: Segment,
        dialect: &'static dyn Dialect,
        endpoints: Endpoints,
        clients: Clients,
        clock: RunClock,
        signals: Signals,
    ) -> Self {
        let Clients {
            options: client_options,
            pools,
            login: login_client,
        } = clients;
        let addresses = Addresses::compile(&endpoints, &pools, client_options.environment());
        Self {
            dialect,
            connected_devices: ConnectedDevices::default(),
            unaccepted_telemetry: Mutex::default(),
            recorder: Recorder::default(),
            conn_events: ConnEventCounter::default(),
            unexpected_answers: UnexpectedAnswers::default(),
            addresses: RwLock::new(Arc::new(addresses)),
            pools,
            login_client,
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
    pub fn addresses(&self) -> Arc<Addresses> {
        self.addresses.read().clone()
    }

    /// Replaces the system's addresses.
    pub fn set_endpoints(&self, endpoints: &Endpoints) {
        let environment = self.client_options.environment();
        let addresses = Addresses::compile(endpoints, &self.pools, environment);
        *self.addresses.write() = Arc::new(addresses);
    }

    /// Returns the values of a device, with those of its last login; `None` if the plan has no
    /// such pool.
    pub fn device_values(&self, key: DeviceKey) -> Option<DeviceValues<'_>> {
        let pool = key.pool as usize;
        Some(DeviceValues::new(
            key.id(self.plan.devices.get(pool)?),
            key,
            self.segment.index(),
            self.pools.get(pool)?,
            self.client_options.environment(),
        ))
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
