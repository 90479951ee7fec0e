//! A worker's part of a run over the bus, from the search for the run to the last message.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use highwater_scenarios::Segment;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use super::{
    access::{client_access, device_rows, local_plan},
    claim::{Claimed, claim},
    coordinator_life::CoordinatorLife,
    follower::{Following, wait_for_go},
    options::BusWorkerOptions,
    outbox::{LAST_SENDS_TIMEOUT, Outbox, Sender},
    status::StatusWriter,
};
use crate::{
    bus::{
        Bus, BusError, Control, RunDocument, RunStore, WorkerState, clock,
        documents::{BUS_PROTOCOL, CONTROL_KEY, RUN_KEY},
    },
    clock::RunClock,
    control::{Assignment, offset::RemoteClock},
    error_chain::error_chain,
    worker::{
        error::WorkerError, prepared::Prepared, source_address::check_sources, worker_run::RunLink,
    },
};

/// Time between two attempts to reach the bus, the run or its coordinator.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Takes part in a run over the bus.
///
/// # Errors
/// If the run or a segment cannot be had, if what the plan names is missing on this machine,
/// or if the run ends before this worker's part is done.
pub async fn run_on_bus(options: BusWorkerOptions) -> Result<(), WorkerError> {
    check_sources(&options.capacity.sources)?;
    let deadline = Instant::now() + options.join_timeout;
    let bus = connect(&options, deadline).await?;
    let (store, document) = find_run(&bus, &options, deadline).await?;
    if document.protocol != BUS_PROTOCOL {
        let reason = format!(
            "its bus protocol is {BUS_PROTOCOL} (version {}), the coordinator's {} (version {})",
            env!("CARGO_PKG_VERSION"),
            document.protocol,
            document.version.escape_debug()
        );
        return Err(refuse(&bus, &options, reason).await);
    }
    let claimed = match claim(&store, &document, options.index, deadline).await {
        Err(error @ (WorkerError::AllTaken(_) | WorkerError::SegmentTaken { .. })) => {
            return Err(refuse(&bus, &options, error.to_string()).await);
        }
        claimed => claimed?,
    };
    let status = StatusWriter::new(store.clone(), claimed, options.capacity.clone());
    let part = Part {
        bus,
        store,
        document,
        claimed,
        status: status.clone(),
        options,
    };
    let result = part.run(deadline).await;
    let state = match &result {
        // For other processes: the coordinator knows it by the last message in the stream.
        Ok(()) => WorkerState::Done,
        Err(WorkerError::Taken) => return result,
        Err(error) => WorkerState::Left(error_chain(error)),
    };
    status.write_last(state).await;
    result
}

/// A worker's part of a run.
struct Part {
    bus: Bus,
    store: RunStore,
    document: RunDocument,
    claimed: Claimed,
    status: StatusWriter,
    options: BusWorkerOptions,
}

impl Part {
    async fn run(self, deadline: Instant) -> Result<(), WorkerError> {
        let status = self.status.clone();
        // Before the preparations, which take long: the coordinator sees this worker at once.
        let (prepared, mut nudges) = tokio::select! {
            prepared = self.prepare(deadline) => prepared?,
            error = status.beat_until_taken() => return Err(error),
        };
        self.status.set_state(WorkerState::Ready);
        let control = tokio::select! {
            control = wait_for_go(&self.store, &mut nudges, self.resume_within()) => control?,
            error = status.beat_until_taken() => return Err(error),
        };
        let Some(go) = control.go else {
            return Err(WorkerError::UnexpectedMessage("the go"));
        };
        // Measured once more: minutes may have passed since the first time.
        let remote = self.coordinators_clock(deadline).await?;
        let clock = RunClock::starting_at(remote.local_instant(0));
        // A worker that comes late ramps up from now on, and does not open everything at once.
        let ramp_second = match self.claimed.epoch {
            1 => go.ramp_second,
            _ => go.ramp_second.max(clock.now().as_secs() + 1),
        };
        self.status.set_state(WorkerState::Running);
        let latest = Arc::new(Mutex::new(None));
        let measuring = clock::keep_measuring(
            self.bus.clone(),
            self.options.run.clone(),
            clock,
            latest.clone(),
        );
        let _measuring = AbortOnDropHandle::new(tokio::spawn(measuring));
        let sender = Sender {
            bus: self.bus.clone(),
            run: self.options.run.clone(),
            index: self.claimed.index,
            epoch: self.claimed.epoch,
        };
        let following = Following {
            store: self.store.clone(),
            clock,
            status: self.status.clone(),
            life: CoordinatorLife::new(self.resume_within()),
            // Phases that were announced already are announced again.
            known: Control {
                endpoints: prepared.endpoints().clone(),
                ..Control::default()
            },
        };
        let link = RunLink {
            reader: following.start(nudges),
            writer: Outbox::start(sender, latest),
            last_sends: Some(LAST_SENDS_TIMEOUT),
        };
        let ramp = clock.instant_of_second(ramp_second);
        let dialect = self.options.dialect;
        prepared.run(clock, ramp, dialect, link).await
    }

    /// Returns the time without a coordinator after which this worker ends.
    fn resume_within(&self) -> Duration {
        Duration::from_secs(self.document.resume_within_s)
    }

    /// Prepares the clients and the users of this worker's segment.
    async fn prepare(
        &self,
        deadline: Instant,
    ) -> Result<(Prepared, async_nats::Subscriber), WorkerError> {
        let segment = Segment::new(self.claimed.index, self.document.workers);
        let segment = segment.map_err(|error| WorkerError::Stopped(error.to_string()))?;
        let control = self.control_with_addresses(deadline).await?;
        let (plan, folder) = local_plan(&self.document, self.options.files.clone());
        let access = client_access(&plan, &control)?;
        let rows = device_rows(&plan, segment, &folder)?;
        let subscribed = self.bus.client.subscribe(self.options.run.nudge_subject());
        let nudges = subscribed.await;
        let nudges = nudges.map_err(|error| BusError::failed("subscribe on the bus", error))?;
        let assignment = Assignment {
            id: format!("w{}", self.claimed.index + 1),
            plan,
            segment,
            endpoints: control.endpoints,
            access,
        };
        let prepared = Prepared::launch(assignment, rows, self.options.capacity.sources.clone());
        let prepared = prepared.await?.launched().await?;
        Ok((prepared, nudges))
    }

    /// Waits until the coordinator has said where the system is.
    async fn control_with_addresses(&self, deadline: Instant) -> Result<Control, WorkerError> {
        loop {
            let control = self.store.read::<Control>(CONTROL_KEY).await?;
            let control = control.ok_or(WorkerError::RunOver)?.value;
            if let Some(reason) = control.stop {
                return Err(WorkerError::Stopped(reason));
            }
            if !control.endpoints.ws.is_empty() || !control.endpoints.http.is_empty() {
                return Ok(control);
            }
            wait_before(deadline, || WorkerError::CoordinatorTimeout).await?;
        }
    }

    /// Asks for the coordinator's clock. One that is being resumed answers later.
    async fn coordinators_clock(&self, deadline: Instant) -> Result<RemoteClock, WorkerError> {
        let resumed = Instant::now() + self.resume_within();
        loop {
            match clock::measure(&self.bus, &self.options.run).await {
                Ok(remote) => return Ok(remote),
                Err(error) => wait_before(deadline.max(resumed), || error.into()).await?,
            }
        }
    }
}

/// Waits a little, or fails after `deadline`.
async fn wait_before(
    deadline: Instant,
    error: impl FnOnce() -> WorkerError,
) -> Result<(), WorkerError> {
    if Instant::now() >= deadline {
        return Err(error());
    }
    sleep(RETRY_INTERVAL).await;
    Ok(())
}

async fn connect(options: &BusWorkerOptions, deadline: Instant) -> Result<Bus, WorkerError> {
    loop {
        match options.bus.connect("highwater worker").await {
            Ok(bus) => return Ok(bus),
            // A scheduler may start the bus after its workers.
            Err(error) if matches!(error, BusError::Unreachable { .. }) => {
                wait_before(deadline, || error.into()).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits for the run, which a scheduler may start after its workers.
async fn find_run(
    bus: &Bus,
    options: &BusWorkerOptions,
    deadline: Instant,
) -> Result<(RunStore, RunDocument), WorkerError> {
    loop {
        let opened = match RunStore::open(bus, &options.run).await {
            Err(error) if !error.is_passing() => return Err(error.into()),
            opened => opened.ok().flatten(),
        };
        if let Some(store) = opened
            && let Some(document) = read_run(&store).await?
        {
            return Ok((store, document));
        }
        let no_run = || {
            WorkerError::from(BusError::NoRun {
                run: options.run.to_string(),
                waited: options.join_timeout,
            })
        };
        wait_before(deadline, no_run).await?;
    }
}

/// Returns the run's document; `None` while the run is being created.
async fn read_run(store: &RunStore) -> Result<Option<RunDocument>, WorkerError> {
    let read = async {
        let document = store.read::<RunDocument>(RUN_KEY).await?;
        // Written last.
        let control = store.read::<Control>(CONTROL_KEY).await?;
        Ok(document.filter(|_| control.is_some()))
    };
    match read.await {
        Ok(document) => Ok(document.map(|stored| stored.value)),
        Err(BusError::Failed { .. } | BusError::NoRun { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Tells the coordinator why this process does not take part. Returns the error of it.
async fn refuse(bus: &Bus, options: &BusWorkerOptions, reason: String) -> WorkerError {
    let text = Bytes::from(format!("{}: {reason}", options.capacity.host));
    // The reason stands in this process's own error too.
    let _ = bus
        .client
        .publish(options.run.refusal_subject(), text)
        .await;
    let _ = bus.client.flush().await;
    WorkerError::Rejected(reason)
}
