//! A worker with its clients and users, before the go.

use std::net::IpAddr;

use highwater_scenarios::DataTable;
use tokio::{sync::watch, time::Instant};

use super::{
    attack::Attack,
    context::{ClientSetupError, Clients, Context, Protocols},
    dialect::{Dialect, for_system},
    error::WorkerError,
    frames::PoolProtocol,
    http_clients::HttpClients,
    source_address::SourceAddresses,
    worker_run::{AttackTask, RunLink, WorkerRun, attack_result},
};
use crate::{
    access::ClientOptions,
    clock::RunClock,
    control::{Assignment, CoordinatorSink, CoordinatorSource},
    endpoints::Endpoints,
};

/// A worker with its clients and users.
pub(super) struct Prepared {
    assignment: Assignment,
    protocols: Box<[Option<PoolProtocol>]>,
    clients: Clients,
    context_sender: watch::Sender<Option<std::sync::Arc<Context>>>,
    attack: AttackTask,
}

/// A worker whose users are being launched.
pub(super) struct Launching<R> {
    prepared: Prepared,
    ready: R,
}

impl Prepared {
    /// Prepares the clients of an assignment, and starts to launch its users. `rows` are the
    /// segment's rows of each pool, `bind` the local addresses of sockets; none leave the
    /// choice to the kernel.
    pub(super) async fn launch(
        assignment: Assignment,
        rows: Vec<DataTable>,
        bind: Vec<IpAddr>,
    ) -> Result<Launching<impl Future<Output = ()>>, WorkerError> {
        let (context_sender, context) = watch::channel(None);
        let options = ClientOptions::new(&assignment.access)?;
        let (plan, segment) = (&assignment.plan, assignment.segment);
        let protocols = PoolProtocol::compile_all(plan, options.environment())?;
        let hosts = options.origins(&assignment.endpoints.http);
        let hosts = hosts.map_err(ClientSetupError::from)?;
        let http = HttpClients::for_addresses(&options, &hosts).await?;
        let sources = SourceAddresses::new(bind, segment);
        let clients = Clients::prepare(plan, segment, rows, options, sources).await?;
        let attack = Attack::new(plan, segment, http, context);
        let ready = attack.ready();
        // Goose takes seconds to launch thousands of users. They are launched before the go,
        // so that the ramp starts with all of them.
        let attack = tokio::spawn(attack.run());
        Ok(Launching {
            prepared: Self {
                assignment,
                protocols,
                clients,
                context_sender,
                attack,
            },
            ready,
        })
    }

    /// Returns the system's addresses as the assignment names them.
    pub(super) fn endpoints(&self) -> &Endpoints {
        &self.assignment.endpoints
    }

    /// Puts on the load from `ramp` on, until everything is sent.
    pub(super) async fn run(
        self,
        clock: RunClock,
        ramp: Instant,
        dialect: Option<&'static dyn Dialect>,
        link: RunLink<impl CoordinatorSource, impl CoordinatorSink>,
    ) -> Result<(), WorkerError> {
        let dialect = dialect.unwrap_or_else(|| for_system(&self.assignment.plan.system));
        let protocols = Protocols {
            dialect,
            pools: self.protocols,
        };
        WorkerRun::new(
            self.assignment,
            protocols,
            self.clients,
            clock,
            ramp,
            self.context_sender,
        )
        .run_until_done(link, self.attack)
        .await
    }
}

impl<R: Future<Output = ()>> Launching<R> {
    /// Waits until all users are launched.
    pub(super) async fn launched(self) -> Result<Prepared, WorkerError> {
        let Self {
            mut prepared,
            ready,
        } = self;
        tokio::select! {
            () = ready => {}
            outcome = &mut prepared.attack => attack_result(outcome)?,
        }
        Ok(prepared)
    }
}
