//! The worker's goose attack: the only place that names goose.
//!
//! ```text
//! user_roles ──► Attack ──► goose launches a user per role ──► UserRole::run
//!                  │                                               │
//!                  ├─ ready(): all users are launched              ▼
//!                  └─ run(): ends once all have returned ◄── finished
//! ```
//!
//! Goose is a load-testing library. It launches and stops the users of a worker, which share
//! their HTTP clients. Its own metrics are off, because they grow with the run and contain no
//! due times.

use std::{
    collections::VecDeque,
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
use highwater_scenarios::{Plan, Segment};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::{
    context::Context,
    http_clients::HttpClients,
    roles::{UserRole, user_roles},
};
use crate::access::tls_verify::install_ring_provider;

/// The pause of a user whose work is done, before goose calls it again.
const EXIT_PAUSE: Duration = Duration::from_millis(100);
/// The users that goose launches per second. This rate launches all of them at once.
const LAUNCH_RATE: &str = "100000";

/// The users of a worker, ready to be launched.
pub struct Attack {
    state: Arc<SharedState>,
}

/// The state that the users share.
struct SharedState {
    /// Roles that no user has taken yet.
    roles: Mutex<VecDeque<UserRole>>,
    /// The number of users.
    total: usize,
    /// The users that have taken a role.
    ready_users: AtomicUsize,
    /// The users that have finished their role.
    finished_users: AtomicUsize,
    /// Notified when one of the two counts grows.
    changed: Notify,
    clients: HttpClients,
    /// Empty until the coordinator's `Go` message sets the clock.
    context: watch::Receiver<Option<Arc<Context>>>,
}

/// The reason why the attack did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum AttackError {
    /// Goose refused its configuration or stopped early.
    #[error("cannot run the goose users: {0}")]
    Goose(#[from] Box<GooseError>),
}

impl Attack {
    /// Creates the users for a worker's share of `plan`. They begin their roles when `context`
    /// holds a value.
    pub fn new(
        plan: &Plan,
        segment: Segment,
        // The same for all users, because goose's own clients cost 118 KB for each user.
        clients: HttpClients,
        context: watch::Receiver<Option<Arc<Context>>>,
    ) -> Self {
        let roles = user_roles(plan, segment);
        // Goose also builds a client of its own. It sends nothing, but it cannot be built
        // without a TLS provider.
        install_ring_provider();
        Self {
            state: Arc::new(SharedState {
                total: roles.len(),
                roles: Mutex::new(roles.into()),
                ready_users: AtomicUsize::new(0),
                finished_users: AtomicUsize::new(0),
                changed: Notify::new(),
                clients,
                context,
            }),
        }
    }

    /// Waits until every user is launched. The future borrows nothing, because [`Self::run`]
    /// consumes the attack.
    pub fn ready(&self) -> impl Future<Output = ()> + use<> {
        let state = self.state.clone();
        async move { state.wait_for_all(|state| &state.ready_users).await }
    }

    /// Runs until every user has finished its role.
    pub async fn run(self) -> Result<(), AttackError> {
        let attack = build_attack(&self.state).map_err(Box::new)?;
        let state = self.state.clone();
        let stop = tokio::spawn(async move {
            state.wait_for_all(|state| &state.finished_users).await;
            goose::trigger_killswitch("every user has finished");
        });
        let outcome = attack.execute().await;
        // After a failed attack the users never finish, and this task would wait forever.
        stop.abort();
        outcome.map_err(Box::new)?;
        Ok(())
    }
}

impl SharedState {
    fn increment(&self, count: &AtomicUsize) {
        count.fetch_add(1, Relaxed);
        self.changed.notify_waiters();
    }

    /// Waits until `count` has reached the number of users.
    async fn wait_for_all(&self, count: impl Fn(&Self) -> &AtomicUsize) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registers before the count is read. Otherwise a change in between would be lost.
            changed.as_mut().enable();
            if count(self).load(Relaxed) >= self.total {
                return;
            }
            changed.await;
        }
    }

    /// Takes a role and runs it once the context is set.
    async fn run_user(&self) {
        // Goose repeats a user's transaction until the attack ends, and all roles are taken
        // by then.
        let Some(role) = self.roles.lock().pop_front() else {
            return;
        };
        self.increment(&self.ready_users);
        let mut receiver = self.context.clone();
        let context = receiver.wait_for(Option::is_some).await;
        // An error means that the worker ends without a start, so the role does nothing.
        let context = context.ok().and_then(|context| context.clone());
        if let Some(context) = context {
            // A task of its own: otherwise each frame of each socket passes through goose's future.
            let running = tokio::spawn(role.run(context, self.clients.clone()));
            if let Err(error) = running.await
                && let Ok(panic) = error.try_into_panic()
            {
                std::panic::resume_unwind(panic);
            }
        }
        self.increment(&self.finished_users);
    }
}

fn build_attack(state: &Arc<SharedState>) -> Result<GooseAttack, GooseError> {
    let users = state.total.to_string();
    let configuration = GooseConfiguration::parse_args_default(&[
        "--users",
        &users,
        "--increase-rate",
        LAUNCH_RATE,
        // Goose requires a host. No request goes there, because requests have whole addresses.
        "--host",
        "http://localhost/",
        "--no-telnet",
        "--no-metrics",
        "--no-print-metrics",
        "--no-reset-metrics",
        "--quiet",
    ])?;
    let state = state.clone();
    let run_role = Transaction::new(Arc::new(move |_: &mut GooseUser| {
        let state = state.clone();
        Box::pin(async move {
            state.run_user().await;
            // Goose calls a finished user again at once, which would take a whole CPU core.
            tokio::time::sleep(EXIT_PAUSE).await;
            TransactionResult::Ok(())
        })
    }));
    let scenario = Scenario::new("highwater").register_transaction(run_role.set_name("role"));
    GooseAttack::initialize_with_config(configuration)?
        .register_scenario(scenario)
        // Otherwise goose's own client reads the machine's certificate authorities, and
        // cannot be built on a machine without any.
        .set_client_builder_without_cookies(
            GooseClientBuilder::new()
                .without_cookies()
                .accept_invalid_certs(true),
        )
}
