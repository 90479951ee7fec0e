//! The worker's goose attack: the only place that names goose.
//!
//! Goose launches, holds and stops the users; each user is a batch of sockets,
//! a commander of the closed model, the dispatcher of an open one, or a
//! publisher. What
//! they do and what is counted lies in [`devices`](super::swarm),
//! [`commands`](super::commands) and [`messages`](super::messages). Goose's own metrics are off: they grow with
//! the run, and know no due times.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use goose::{
    GooseAttack, GooseError,
    client::GooseClientBuilder,
    config::GooseConfiguration,
    goose::{GooseUser, Scenario, Transaction, TransactionResult},
};
use highwater_scenarios::{
    Plan, Segment,
    plan::{LoadModel, PublishFrom},
    segment::UserSlot,
};
use parking_lot::Mutex;
use reqwest::Client;
use tokio::sync::{Notify, watch};

use super::{
    commands::{closed, open},
    context::Context,
    devices::batch,
    messages::http_publisher,
};
use crate::access::{ClientOptions, TlsSetupError, tls_verify::install_ring_provider};

/// Idle connections are closed by the client well before a server would.
const IDLE_CONNECTION: Duration = Duration::from_secs(5);
/// Pause of a user whose work is done, until goose asks it to leave.
const UNTIL_EXIT: Duration = Duration::from_millis(100);

/// What one goose user does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum UserRole {
    /// Holds batch `number` of `of`.
    SocketBatch { batch: u32, batch_count: u32 },
    /// Is a user of closed load `load`.
    ClosedLoad {
        load: usize,
        slot: UserSlot,
        think: Duration,
    },
    /// Sends the arrivals of open load `load`.
    OpenLoad { load: usize },
    /// Is publisher `number` of publish load `load`.
    Publisher { load: usize, number: u64 },
    /// Only waits: there are more workers than work.
    Idle,
}

/// The users on their marks.
pub struct Attack {
    state: Arc<SharedState>,
}

/// What the users share.
struct SharedState {
    roles: Mutex<Vec<UserRole>>,
    total: usize,
    ready_users: AtomicUsize,
    finished_users: AtomicUsize,
    changed: Notify,
    client: Client,
    context: watch::Receiver<Option<Arc<Context>>>,
}

/// Why the attack could not run.
#[derive(Debug, thiserror::Error)]
pub enum AttackError {
    /// The HTTP client could not be built.
    #[error(transparent)]
    Client(#[from] TlsSetupError),
    /// Goose refused or broke off.
    #[error("goose could not run the users: {0}")]
    Goose(#[from] Box<GooseError>),
}

impl Attack {
    /// Users for a worker's part of `plan`, whose commands go through `doorway`;
    /// they begin when `context` holds one.
    pub fn new(
        plan: &Plan,
        segment: Segment,
        client_options: &ClientOptions,
        context: watch::Receiver<Option<Arc<Context>>>,
    ) -> Result<Self, AttackError> {
        let parts = user_roles(plan, segment);
        let client =
            client_options.http_client(|client| client.pool_idle_timeout(IDLE_CONNECTION))?;
        // Goose builds a client of its own, which sends nothing.
        install_ring_provider();
        Ok(Self {
            state: Arc::new(SharedState {
                total: parts.len(),
                roles: Mutex::new(parts),
                ready_users: AtomicUsize::new(0),
                finished_users: AtomicUsize::new(0),
                changed: Notify::new(),
                client,
                context,
            }),
        })
    }

    /// Waits until every user stands ready.
    pub fn ready(&self) -> impl Future<Output = ()> + use<> {
        let stage = self.state.clone();
        async move { stage.wait_for_all(|stage| &stage.ready_users).await }
    }

    /// Runs until every user has done its part.
    pub async fn run(self) -> Result<(), AttackError> {
        let attack = build_attack(&self.state).map_err(Box::new)?;
        let stage = self.state.clone();
        let stop = tokio::spawn(async move {
            stage.wait_for_all(|stage| &stage.finished_users).await;
            goose::trigger_killswitch("every user has done its part");
        });
        let outcome = attack.execute().await;
        stop.abort();
        outcome.map_err(Box::new)?;
        Ok(())
    }
}

impl SharedState {
    fn take_role(&self) -> Option<UserRole> {
        self.roles.lock().pop()
    }

    fn increment(&self, count: &AtomicUsize) {
        count.fetch_add(1, Relaxed);
        self.changed.notify_waiters();
    }

    /// Waits until `count` is all users.
    async fn wait_for_all(&self, count: impl Fn(&Self) -> &AtomicUsize) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if count(self).load(Relaxed) >= self.total {
                return;
            }
            changed.await;
        }
    }

    /// Does one user's whole part of the run.
    async fn run_user(&self) {
        let Some(part) = self.take_role() else {
            return;
        };
        self.increment(&self.ready_users);
        let mut context = self.context.clone();
        if let Ok(context) = context.wait_for(Option::is_some).await.map(|c| c.clone())
            && let Some(context) = context
        {
            self.run_role(part, context).await;
        }
        self.increment(&self.finished_users);
    }

    async fn run_role(&self, part: UserRole, context: Arc<Context>) {
        match part {
            UserRole::SocketBatch {
                batch: number,
                batch_count: of,
            } => batch::run_batch(context, number, of).await,
            UserRole::ClosedLoad { load, slot, think } => {
                let load = &context.plan.commands[load];
                closed::run_closed_user(&context, &self.client, load, slot, think).await;
            }
            UserRole::OpenLoad { load } => {
                open::dispatch_arrivals(context, self.client.clone(), load).await
            }
            UserRole::Publisher { load, number } => {
                http_publisher::run_http_publisher(&context, &self.client, load, number).await;
            }
            UserRole::Idle => context.signals.close.cancelled().await,
        }
    }
}

/// One part for each user, and at least one user; sockets last: they are taken
/// from the end.
fn user_roles(plan: &Plan, segment: Segment) -> Vec<UserRole> {
    let mut parts = Vec::new();
    for (number, load) in plan.commands.iter().enumerate() {
        match load.model {
            LoadModel::Closed { think, .. } => {
                parts.extend(segment.users(&load.model).map(|slot| UserRole::ClosedLoad {
                    load: number,
                    slot,
                    think,
                }));
            }
            LoadModel::Open { .. } => parts.push(UserRole::OpenLoad { load: number }),
        }
    }
    for (load, publish) in plan.publish.iter().enumerate() {
        if publish.from == PublishFrom::Rest {
            let numbers = segment.indices(publish.publishers);
            parts.extend(numbers.map(|number| UserRole::Publisher { load, number }));
        }
    }
    let of = batch::batch_count(plan, segment);
    parts.extend((0..of).map(|number| UserRole::SocketBatch {
        batch: number,
        batch_count: of,
    }));
    if parts.is_empty() {
        parts.push(UserRole::Idle);
    }
    parts
}

fn build_attack(stage: &Arc<SharedState>) -> Result<GooseAttack, GooseError> {
    let users = stage.total.to_string();
    let configuration = GooseConfiguration::parse_args_default(&[
        "--users",
        &users,
        "--increase-rate",
        "100000",
        "--host",
        "http://localhost/",
        "--no-telnet",
        "--no-metrics",
        "--no-print-metrics",
        "--no-reset-metrics",
        "--quiet",
        "--quiet",
    ])?;
    let stage = stage.clone();
    let part = Transaction::new(Arc::new(move |_: &mut GooseUser| {
        let stage = stage.clone();
        Box::pin(async move {
            stage.run_user().await;
            // Goose runs a user's transactions again until it asks it to leave.
            tokio::time::sleep(UNTIL_EXIT).await;
            TransactionResult::Ok(())
        })
    }));
    GooseAttack::initialize_with_config(configuration)?
        .register_scenario(Scenario::new("highwater").register_transaction(part.set_name("part")))
        // That client would read the machine's certificate authorities, and fail
        // where there are none.
        .set_client_builder_without_cookies(
            GooseClientBuilder::new()
                .without_cookies()
                .accept_invalid_certs(true),
        )
}
