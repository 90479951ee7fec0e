//! A run on the bus, from its creation to its removal.

use std::time::Duration;

use async_nats::Subscriber;
use highwater_scenarios::{Plan, plan::SystemSpec};
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::control_writer::ControlWriter;
use crate::{
    bus::{
        Bus, BusError, BusOptions, Control, RunDocument, RunId, RunStore, clock,
        documents::{BUS_PROTOCOL, CONTROL_KEY},
    },
    clock::RunClock,
    coordinator::{
        error::RunError,
        options::{BusWorkers, RunOptions},
    },
    error_chain::error_chain,
};

/// Time that workers have to read the reason for which a run ends, before it is removed.
const LAST_WORD: Duration = Duration::from_secs(3);

/// A run on the bus, with this process as its coordinator.
pub struct BusSession {
    pub(super) bus: Bus,
    pub(super) run: RunId,
    pub(super) store: RunStore,
    pub(super) document: RunDocument,
    /// The state of the run.
    pub control: ControlWriter,
    /// The run's clock.
    pub clock: RunClock,
    pub(super) refusals: Subscriber,
    _clock_answers: AbortOnDropHandle<()>,
}

impl BusSession {
    /// Creates the run of `options` on the bus.
    ///
    /// # Errors
    /// If the bus is not reachable, has the run already, or must not have the plan.
    pub async fn create(
        options: &RunOptions,
        workers: &BusWorkers,
        clock: RunClock,
    ) -> Result<Self, RunError> {
        check_plan(&options.plan, &workers.bus)?;
        let document = RunDocument {
            protocol: BUS_PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            workers: workers.count,
            on_worker_loss: workers.on_worker_loss,
            resume_within_s: workers.resume_within.as_secs(),
            folder: workers.folder.to_string_lossy().into_owned(),
            record: options.out.to_string_lossy().into_owned(),
            plan: options.plan.clone(),
        };
        let bus = workers.bus.connect("highwater coordinator").await?;
        let store = RunStore::create(&bus, &workers.run, &document).await?;
        let control = Control {
            coordinator: new_name(),
            ..Control::default()
        };
        let revision = store.create_value(CONTROL_KEY, &control).await?;
        let run = workers.run.clone();
        Ok(Self::open(bus, run, store, document, control, revision, clock).await?)
    }

    /// Starts the tasks of a run that is on the bus.
    pub(super) async fn open(
        bus: Bus,
        run: RunId,
        store: RunStore,
        document: RunDocument,
        control: Control,
        revision: u64,
        clock: RunClock,
    ) -> Result<Self, BusError> {
        let subscribe = async |subject: String| {
            let subscribed = bus.client.subscribe(subject).await;
            subscribed.map_err(|error| BusError::failed("subscribe on the bus", error))
        };
        let questions = subscribe(run.clock_subject()).await?;
        let refusals = subscribe(run.refusal_subject()).await?;
        let answers = clock::answer(bus.clone(), questions, clock);
        Ok(Self {
            control: ControlWriter::start(
                bus.clone(),
                run.clone(),
                store.clone(),
                control,
                revision,
            ),
            bus,
            run,
            store,
            document,
            clock,
            refusals,
            _clock_answers: AbortOnDropHandle::new(tokio::spawn(answers)),
        })
    }

    /// Returns the plan of the run.
    pub fn plan(&self) -> &Plan {
        &self.document.plan
    }

    /// Ends a start that failed. A run whose workers are at work stays, and can be resumed.
    pub async fn end_start(self, error: &RunError) {
        let has_begun = self.control.control().go.is_some();
        if !has_begun && !matches!(error, RunError::Superseded) {
            self.refuse(&error_chain(error)).await;
        }
    }

    /// Tells the workers why the run does not begin, and removes it.
    async fn refuse(mut self, reason: &str) {
        self.control
            .change_at_end(|control| control.stop = Some(reason.to_owned()))
            .await;
        // The run is another coordinator's by now.
        if self.control.superseded().is_cancelled() {
            return;
        }
        sleep(LAST_WORD).await;
        self.remove().await;
    }

    /// Removes the run from the bus.
    pub async fn remove(self) {
        drop(self.control);
        // An error leaves a run that the same name cannot be used for; its record is complete.
        if let Err(error) = RunStore::delete(&self.bus, &self.run).await {
            tracing::warn!(%error, run = %self.run, "the run stays on the bus");
        }
    }
}

/// Returns a random name of this process.
pub(super) fn new_name() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Refuses what a bus must not carry, and the broker under test as a bus.
///
/// # Errors
/// [`RunError::SecretInPlan`] and [`RunError::BusUnderTest`].
pub fn check_plan(plan: &Plan, bus: &BusOptions) -> Result<(), RunError> {
    let secrets = plan.literal_secrets();
    if !secrets.is_empty() {
        return Err(RunError::SecretInPlan(secrets.join(" and ")));
    }
    if let SystemSpec::Cluster(cluster) = &plan.system {
        let mut brokers = cluster.external_brokers();
        if let Some(broker) = brokers.find(|broker| bus.shares_a_server_with(&broker.url)) {
            return Err(RunError::BusUnderTest(broker.url.to_string()));
        }
    }
    Ok(())
}
