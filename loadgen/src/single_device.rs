//! One device of a plan, run in this process with an observer and without a coordinator.
//!
//! The device takes the worker's own way, from the login to the close frame, so that what a person
//! sees of one socket holds for every socket of a run.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use highwater_process::Spawner;
use highwater_scenarios::{DataTable, Plan, Segment, plan::SystemSpec};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    access::ClientOptions,
    clock::RunClock,
    coordinator::{RunError, system::RunningSystem},
    keys::DeviceKey,
    worker::{
        context::{Clients, Context, Protocols},
        devices::{device::run_device, schedule::ScheduledDevice},
        dialect::for_system,
        frames::PoolProtocol,
        observer::{SocketEvent, SocketObserver, with_observer},
        signals::Signals,
        source_address::SourceAddresses,
    },
};

/// The phase of the heartbeats. The first is due early, because a person waits for it.
const HEARTBEAT_PHASE: f32 = 0.1;

/// Longest time that a device may take to close its socket in order.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The device to run, and for how long.
#[derive(Debug, Clone)]
pub struct SingleDevice {
    plan: Plan,
    device: DeviceKey,
    /// Time after which the socket closes.
    length: Duration,
}

/// The reason why a plan has no such device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchDevice {
    /// The plan starts a cluster of its own.
    #[error("the scenario has no [target]: a single device needs a system that is running")]
    NoTarget,
    /// No pool has this name.
    #[error("no pool of the name {name}; expected one of {known}")]
    Pool {
        /// The name.
        name: String,
        /// The names of all pools.
        known: String,
    },
    /// The pool is smaller.
    #[error("no device {index} in the pool {pool}; expected 0 to {last}")]
    Device {
        /// The number.
        index: u64,
        /// Name of the pool.
        pool: String,
        /// The last number.
        last: u64,
    },
}

impl SingleDevice {
    /// Chooses device `index` of a pool, which is the first one where none is named.
    ///
    /// # Errors
    /// If the plan has no such device, or no target.
    pub fn choose(
        plan: Plan,
        pool: Option<&str>,
        index: u64,
        length: Duration,
    ) -> Result<Self, NoSuchDevice> {
        if !matches!(plan.system, SystemSpec::Target(_)) {
            return Err(NoSuchDevice::NoTarget);
        }
        let mut pools = plan.devices.iter().zip(0..);
        let found = pools.find(|(known, _)| pool.is_none_or(|name| known.name == name));
        let Some((found, number)) = found else {
            let known = plan.devices.iter().map(|pool| pool.name.as_str());
            return Err(NoSuchDevice::Pool {
                name: pool.unwrap_or_default().to_owned(),
                known: known.collect::<Vec<_>>().join(", "),
            });
        };
        if index >= found.count {
            return Err(NoSuchDevice::Device {
                index,
                pool: found.name.clone(),
                last: found.count - 1,
            });
        }
        let device = DeviceKey {
            pool: number,
            index,
        };
        Ok(Self {
            device,
            length,
            plan,
        })
    }

    /// Returns the id of the device.
    pub fn id(&self) -> String {
        let pool = &self.plan.devices[self.device.pool as usize];
        self.device.id(pool)
    }

    /// Returns the plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

/// The counters of a device at its end, by their names in the record.
pub type DeviceCounters = BTreeMap<String, u64>;

/// Runs a device until its time is over, its socket fails or is lost, or `interrupt` is
/// cancelled. A lost socket is not opened again.
///
/// # Errors
/// If the target cannot be reached, or a value of the plan cannot be resolved.
pub async fn run_single_device(
    single: SingleDevice,
    observer: Arc<dyn SocketObserver>,
    interrupt: CancellationToken,
) -> Result<DeviceCounters, RunError> {
    let context = Arc::new(context_of(&single).await?);
    let stop = CancellationToken::new();
    let observer = Arc::new(StopAtEnd {
        observer,
        stop: stop.clone(),
    });
    let device = ScheduledDevice {
        key: single.device,
        number: 0,
        heartbeat_phase: HEARTBEAT_PHASE,
        due: Instant::now(),
    };
    let mut running = Box::pin(with_observer(observer, run_device(context.clone(), device)));
    tokio::select! {
        () = &mut running => return Ok(counters(&context)),
        () = sleep(single.length) => {}
        () = interrupt.cancelled() => {}
        () = stop.cancelled() => {}
    }
    context.set_drain_at(Instant::now());
    context.signals.drain.cancel();
    context.signals.close.cancel();
    // A server that does not answer the close frame has had its time.
    let _ = timeout(CLOSE_TIMEOUT, running).await;
    Ok(counters(&context))
}

/// Creates the context of a worker that is alone and whose steady phase has begun.
async fn context_of(single: &SingleDevice) -> Result<Context, RunError> {
    let plan = &single.plan;
    // A target starts no process: only its addresses are checked.
    let (exe, logs) = (std::path::Path::new(""), std::path::Path::new(""));
    let system = RunningSystem::start(plan, exe, &Spawner::start()?, logs).await?;
    let access = system.access();
    let rows = plan.devices.iter().map(|pool| {
        let data = pool.data.as_ref();
        data.map(|data| DataTable::clone(&data.table.0))
            .unwrap_or_default()
    });
    let options = ClientOptions::new(&access)?;
    let sources = SourceAddresses::default();
    let clients =
        Clients::prepare(plan, Segment::whole(), rows.collect(), options, sources).await?;
    let now = Instant::now();
    // The sender may go: the receiver keeps the value.
    let (_, steady) = watch::channel(Some(now));
    Ok(Context::new(
        plan.clone(),
        Segment::whole(),
        Protocols {
            dialect: for_system(&plan.system),
            pools: PoolProtocol::compile_all(plan, &access.environment)?,
        },
        system.endpoints(),
        clients,
        RunClock::starting_at(now),
        Signals {
            ramp: now,
            steady,
            drain: CancellationToken::new(),
            close: CancellationToken::new(),
        },
    ))
}

fn counters(context: &Context) -> DeviceCounters {
    context
        .recorder
        .take_snapshot()
        .counters
        .into_iter()
        .collect()
}

/// An observer that also ends the device when its socket has failed or is lost.
struct StopAtEnd {
    observer: Arc<dyn SocketObserver>,
    stop: CancellationToken,
}

impl SocketObserver for StopAtEnd {
    fn on_event(&self, event: SocketEvent<'_>) {
        self.observer.on_event(event);
        if matches!(event, SocketEvent::Failed(_) | SocketEvent::Lost(_)) {
            self.stop.cancel();
        }
    }
}
