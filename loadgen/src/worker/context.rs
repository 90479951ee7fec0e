//! The state that all users of a worker share.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use highwater_reports::record::FailureExample;
use highwater_scenarios::{DataTable, Diagnostic, Plan, Segment, frames::CompiledHeartbeat};
use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use super::{
    addresses::Addresses,
    arrival_users::ArrivalUsers,
    conn_events::ConnEventCounter,
    connected_devices::ConnectedDevices,
    dialect::Dialect,
    failure_examples::FailureExamples,
    frames::{PoolProtocol, SocketIdentity},
    heartbeat_grid::HeartbeatGrid,
    links::DeviceLinks,
    login::LoginClient,
    ramp_gate::RampGate,
    recorder::{Count, Recorder},
    retry_budget::RetryBudget,
    signals::Signals,
    source_address::SourceAddresses,
    values::{DeviceValues, PoolValues},
};
use crate::{
    access::{ClientOptions, SecretMask, TlsSetupError, VariableError},
    clock::RunClock,
    control::UnacceptedTelemetry,
    endpoints::Endpoints,
    keys::DeviceKey,
};

/// The clients of a worker, and what they put into their requests.
pub struct Clients {
    /// Certificates, header fields and tokens.
    pub options: ClientOptions,
    /// The header fields, the login and the values of each pool, in the order of the plan.
    pub pools: Vec<PoolValues>,
    /// The client of logins; `None` where no pool has one.
    pub login: Option<LoginClient>,
    /// The local addresses and ports of sockets.
    pub sources: SourceAddresses,
}

/// The reason why the clients of a worker cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum ClientSetupError {
    /// The plan has a text that this worker cannot compile.
    #[error("cannot use the plan: {0}")]
    Plan(#[from] Diagnostic),
    /// TLS or an HTTP client cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    /// The variables of an address give no host.
    #[error(transparent)]
    Variable(#[from] VariableError),
}

impl Clients {
    /// Compiles the texts of a plan's pools, and builds the client of logins where a pool has
    /// one. `rows` are the segment's rows of each pool.
    ///
    /// # Errors
    /// If a text has a placeholder without a value, or the client cannot be built.
    pub async fn prepare(
        plan: &Plan,
        segment: Segment,
        rows: Vec<DataTable>,
        options: ClientOptions,
        sources: SourceAddresses,
    ) -> Result<Self, ClientSetupError> {
        let pools = PoolValues::compile_all(plan, segment, rows, &options)?;
        let logins = plan.devices.iter().filter_map(|pool| pool.login.as_ref());
        let addresses: Vec<String> = logins.map(|login| login.url.clone()).collect();
        let hosts = options.origins(&addresses)?;
        let login = match hosts.is_empty() {
            true => None,
            false => Some(LoginClient::new(&options, &hosts).await?),
        };
        Ok(Self {
            options,
            pools,
            login,
            sources,
        })
    }
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
    /// The control of the ramp.
    pub ramp_gate: RampGate,
    /// The budget of each pool for attempts that follow a failed one, in the order of the plan.
    pub retry_budgets: Box<[Option<RetryBudget>]>,
    /// The instants at which heartbeats are due.
    pub heartbeat_grid: HeartbeatGrid,
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
    /// The header fields, the login and the values of each pool, in the order of the plan.
    pools: Vec<PoolValues>,
    /// The client of logins; `None` where no pool has one.
    pub login_client: Option<LoginClient>,
    /// The local addresses and ports of sockets.
    pub sources: SourceAddresses,
    addresses: RwLock<Arc<Addresses>>,
    next_http_index: AtomicUsize,
    messages_received: AtomicU64,
    drain_at: OnceLock<Instant>,
    /// The users that follow a schedule of arrivals.
    pub arrival_users: ArrivalUsers,
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
        clients: Clients,
        clock: RunClock,
        signals: Signals,
    ) -> Self {
        let Protocols {
            dialect,
            pools: protocols,
        } = protocols;
        let Clients {
            options: client_options,
            pools,
            login: login_client,
            sources,
        } = clients;
        let mask = client_options.secret_mask(&endpoints.ws);
        let addresses = Addresses::compile(&endpoints, &pools, client_options.environment());
        Self {
            ramp_gate: RampGate::new(&plan, segment),
            retry_budgets: plan
                .devices
                .iter()
                .map(|pool| RetryBudget::new(pool, segment))
                .collect(),
            heartbeat_grid: HeartbeatGrid::new(&plan, segment, signals.ramp),
            links: DeviceLinks::new(&plan, &protocols),
            protocols,
            dialect,
            connected_devices: ConnectedDevices::default(),
            unaccepted_telemetry: Mutex::default(),
            recorder: Recorder::default(),
            conn_events: ConnEventCounter::default(),
            failure_examples: FailureExamples::new(mask),
            addresses: RwLock::new(Arc::new(addresses)),
            pools,
            login_client,
            sources,
            messages_received: AtomicU64::new(0),
            drain_at: OnceLock::new(),
            arrival_users: ArrivalUsers::default(),
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
    pub fn device_values(&self, device: DeviceKey) -> Option<DeviceValues<'_>> {
        let pool = device.pool as usize;
        Some(DeviceValues {
            pool: self.plan.devices.get(pool)?,
            device,
            worker: self.segment.index(),
            values: self.pools.get(pool)?,
            environment: self.client_options.environment(),
        })
    }

    /// Returns what the frames of a device's socket need; `None` where its pool declares none.
    pub fn socket_identity(&self, device: DeviceKey) -> Option<SocketIdentity<'_>> {
        Some(SocketIdentity {
            device: self.device_values(device)?,
            protocol: self.protocols.get(device.pool as usize)?.as_ref()?,
        })
    }

    /// Returns the heartbeat of a device's pool; `None` where it is a WebSocket ping.
    pub fn heartbeat_frames(&self, device: DeviceKey) -> Option<&CompiledHeartbeat> {
        let protocol = self.protocols.get(device.pool as usize)?.as_ref()?;
        protocol.frames.heartbeat.as_ref()
    }

    /// Counts a failure of a device as `FAMILY.KIND`, with an example that may be kept. The
    /// device's own values, which the system may repeat, are masked in it.
    pub fn count_device_failure(
        &self,
        device: DeviceKey,
        family: &str,
        kind: &str,
        example: impl FnOnce() -> FailureExample,
    ) {
        self.recorder.count_kind(family, kind);
        self.record_example(device, &format!("{family}.{kind}"), example);
    }

    /// Keeps an example of a device's failure, as [`count_device_failure`] does.
    ///
    /// [`count_device_failure`]: Self::count_device_failure
    pub fn record_example(
        &self,
        device: DeviceKey,
        counter: &str,
        example: impl FnOnce() -> FailureExample,
    ) {
        self.failure_examples.record(counter, || {
            let values = self.device_values(device);
            let values = values.map(|values| values.secrets()).unwrap_or_default();
            let mask = SecretMask::of_values(&values);
            example().map_texts(|text| Some(mask.masked(&text)))
        });
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
