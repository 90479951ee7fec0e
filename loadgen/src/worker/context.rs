//! What everything in a worker shares.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use highwater_scenarios::{
    Plan, Segment,
    plan::{Dialect, SystemSpec},
};
use parking_lot::{Mutex, RwLock};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    conn_events::ConnEventCounter,
    devices::ConnectedDevices,
    recorder::{Count, Recorder},
};
use crate::{
    access::ClientOptions, clock::RunClock, control::UnacceptedTelemetry, endpoints::Endpoints,
};

/// One worker's run: what it does, when, against what, and what it counts.
pub struct Context {
    /// What the run does.
    pub plan: Plan,
    /// This worker's part.
    pub segment: Segment,
    /// The run's clock.
    pub clock: RunClock,
    /// What devices and commands speak.
    pub dialect: Dialect,
    /// What sockets show to be let in, and whom they trust.
    pub client_options: ClientOptions,
    /// When to start what and when to stop.
    pub signals: Signals,
    /// What is counted.
    pub recorder: Recorder,
    /// Sockets that come and go.
    pub conn_events: ConnEventCounter,
    /// Devices that can be sent a command now.
    pub connected_devices: ConnectedDevices,
    /// What devices tell at the end of their lives, until it is passed on.
    unaccepted_telemetry: Mutex<Vec<UnacceptedTelemetry>>,
    endpoints: RwLock<Arc<Endpoints>>,
    next_http_index: AtomicUsize,
    messages_received: AtomicU64,
    drain_at: OnceLock<Instant>,
}

/// When to start what and when to stop.
pub struct Signals {
    /// When the ramp starts.
    pub ramp: Instant,
    /// The instant at which the steady phase starts, once it is known.
    pub steady: watch::Receiver<Option<Instant>>,
    /// No new sockets and no new commands.
    pub drain: CancellationToken,
    /// Close all sockets, each in its turn.
    pub close: CancellationToken,
}

impl Context {
    /// For one assignment, once the clock is set.
    pub fn new(
        plan: Plan,
        segment: Segment,
        endpoints: Endpoints,
        client_options: ClientOptions,
        clock: RunClock,
        signals: Signals,
    ) -> Self {
        let dialect = match &plan.system {
            SystemSpec::Cluster(_) => Dialect::Highwater,
            SystemSpec::Target(target) => target.dialect,
        };
        Self {
            connected_devices: ConnectedDevices::default(),
            unaccepted_telemetry: Mutex::default(),
            recorder: Recorder::new(),
            conn_events: ConnEventCounter::default(),
            endpoints: RwLock::new(Arc::new(endpoints)),
            messages_received: AtomicU64::new(0),
            drain_at: OnceLock::new(),
            next_http_index: AtomicUsize::new(segment.index() as usize),
            plan,
            segment,
            clock,
            dialect,
            client_options,
            signals,
        }
    }

    /// The system's addresses as they are now.
    pub fn endpoints(&self) -> Arc<Endpoints> {
        self.endpoints.read().clone()
    }

    /// From now on these.
    pub fn set_endpoints(&self, endpoints: Endpoints) {
        *self.endpoints.write() = Arc::new(endpoints);
    }

    /// A device's readings that were not accepted.
    pub fn add_unaccepted_telemetry(&self, of_a_device: Vec<UnacceptedTelemetry>) {
        self.unaccepted_telemetry.lock().extend(of_a_device);
    }

    /// Those of all devices whose lives have ended, each once.
    pub fn take_unaccepted_telemetry(&self) -> Vec<UnacceptedTelemetry> {
        std::mem::take(&mut *self.unaccepted_telemetry.lock())
    }

    /// Where this worker's next command goes first, as a number that counts up.
    pub fn next_http_index(&self) -> usize {
        self.next_http_index.fetch_add(1, Relaxed)
    }

    /// A message to a topic has come.
    pub fn record_message_received(&self) {
        self.messages_received.fetch_add(1, Relaxed);
        self.recorder.count(Count::MessagesReceived);
    }

    /// Messages that have come to this worker's sockets so far.
    pub fn messages_received(&self) -> u64 {
        self.messages_received.load(Relaxed)
    }

    /// When the drain begins, once that is known.
    pub fn drain_at(&self) -> Option<Instant> {
        self.drain_at.get().copied()
    }

    /// The drain begins then; the first to say so is right.
    pub fn set_drain_at(&self, instant: Instant) {
        let _ = self.drain_at.set(instant);
    }
}

impl Signals {
    /// Waits until the steady phase starts; `None` if it never does.
    pub async fn wait_steady_start(&self) -> Option<Instant> {
        let start = self.wait_steady_announced().await?;
        tokio::select! {
            () = tokio::time::sleep_until(start) => Some(start),
            () = self.drain.cancelled() => None,
        }
    }

    /// Waits until the start of the steady phase is known; `None` if it never is.
    pub async fn wait_steady_announced(&self) -> Option<Instant> {
        let mut steady = self.steady.clone();
        tokio::select! {
            known = steady.wait_for(Option::is_some) => known.ok().and_then(|known| *known),
            () = self.drain.cancelled() => None,
        }
    }
}
