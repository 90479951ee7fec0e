//! The backplanes to test against, with a real server under each kind.
//!
//! - `macros`: a test per kind of backplane;
//! - this file: [`Ground`], a cluster's place on a backplane;
//! - `servers`: the servers, which tests share or own;
//! - `inspection`: inboxes and the membership table, as a server lists them.

mod inspection;
mod macros;
mod servers;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use highwater_server::{
    BackplaneUrl, BrokerConfig, ClusterName, ClusterSecret, TelemetryUrl,
    backplane::BackplaneConfig,
};
use highwater_services::{RedisOptions, RedisService, Service, ServiceKind};

pub(crate) use self::macros::{
    define_backplane_modules, define_lasting, define_lasting_modules, define_queue_modules,
    define_test_modules, define_tests, on_every_backplane, on_every_lasting_queue, on_every_queue,
};
use self::{
    macros::define_kinds,
    servers::{OwnedServer, shared},
};
use crate::rig::{TEST_TIMEOUT, TestBroker, any_port};

/// The lease where no test waits for it to expire. A busy machine delays a node for far
/// less time.
const LEASE: Duration = Duration::from_secs(10);

/// The lease where a test waits for it to expire.
pub(crate) const SHORT: Duration = Duration::from_millis(2500);

highwater_server::for_each_broker!(define_kinds, []);

/// A cluster's place on a backplane, and what keeps it alive.
pub(crate) struct Ground {
    pub(crate) kind: TestBackplaneKind,
    url: String,
    cluster: ClusterName,
    lease: Duration,
    server: TestServer,
}

/// The server under a backplane.
enum TestServer {
    Embedded {
        address: SocketAddr,
        broker: Option<TestBroker>,
    },
    /// The server of this test.
    Own(OwnedServer),
    /// A server that other tests use as well.
    Shared(Arc<Service>),
}

impl TestBackplaneKind {
    /// Returns a place of its own, on a server that other tests may use.
    pub(crate) fn ground(self) -> Ground {
        match self {
            Self::Local => self.own_ground(),
            _ => self.on(TestServer::Shared(shared(self))),
        }
    }

    /// Returns a place on a server that the test may kill.
    pub(crate) fn own_ground(self) -> Ground {
        self.on(match self {
            Self::Local => TestServer::embedded_at(any_port(), LEASE),
            _ => TestServer::Own(OwnedServer::of(self)),
        })
    }

    /// Returns a place on a server that the test may kill and that keeps its data.
    pub(crate) fn lasting_ground(self) -> Ground {
        match self {
            Self::Redis => {
                let persistent = RedisService::start(RedisOptions { persistent: true });
                self.on(TestServer::Own(OwnedServer::new(persistent.unwrap())))
            }
            _ => self.own_ground(),
        }
    }

    /// Whether the server can be started on this machine. Otherwise the reason is printed, and the
    /// test is skipped.
    pub(crate) fn can_start(self) -> bool {
        let missing = self.service().and_then(ServiceKind::missing_optional);
        if let Some(reason) = &missing {
            #[expect(clippy::print_stderr, reason = "the reason for a skipped test")]
            {
                eprintln!("skipped: {reason}");
            }
        }
        missing.is_none()
    }

    fn on(self, server: TestServer) -> Ground {
        Ground {
            kind: self,
            url: server.url(),
            cluster: unique_name(),
            lease: LEASE,
            server,
        }
    }

    fn start(self) -> Service {
        let started = match self.service() {
            None => unreachable!("the embedded broker is not a process"),
            // Without persistence, so that a killed Redis loses the membership table.
            Some(ServiceKind::Redis) => RedisService::start(RedisOptions::default()),
            Some(service) => service.start(),
        };
        started.unwrap()
    }
}

impl Ground {
    /// Sets the lease. The embedded broker has one lease for all nodes, so it starts again.
    pub(crate) fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        if let TestServer::Embedded { .. } = self.server {
            self.server = TestServer::embedded_at(any_port(), lease);
            self.url = self.server.url();
        }
        self
    }

    pub(crate) fn url(&self) -> BackplaneUrl {
        self.url.parse().unwrap()
    }

    /// Whether the broker carries telemetry and joins no nodes. A node there is a cluster of one.
    fn is_only_queue(&self) -> bool {
        let kinds = [
            TestBackplaneKind::Kafka,
            TestBackplaneKind::Tansu,
            TestBackplaneKind::PubSub,
        ];
        kinds.contains(&self.kind)
    }

    /// Returns the telemetry queue of a node; `None` where the broker is a backplane alone.
    pub(crate) fn telemetry_queue(&self) -> Option<TelemetryUrl> {
        (self.kind != TestBackplaneKind::Ministack).then(|| self.telemetry())
    }

    pub(crate) fn telemetry(&self) -> TelemetryUrl {
        self.url.parse().unwrap()
    }

    /// Returns the time in which records come back from a consumer that is gone.
    pub(crate) fn redelivery_timeout(&self) -> Duration {
        match self.kind {
            // The emulator may wait for the next message of the client library's stream, one in
            // 30 s, after the deadline of 10 s.
            TestBackplaneKind::PubSub => Duration::from_secs(90),
            _ => TEST_TIMEOUT,
        }
    }

    pub(crate) fn config(&self) -> BackplaneConfig {
        BackplaneConfig {
            url: (!self.is_only_queue()).then(|| self.url()),
            cluster: self.cluster.clone(),
            lease: self.lease,
            secret: Some(secret()),
        }
    }

    /// Returns another cluster on the same server, unless it is the embedded broker, which
    /// serves one cluster.
    pub(crate) fn neighbour(&self) -> Option<BackplaneConfig> {
        let config = BackplaneConfig {
            cluster: unique_name(),
            ..self.config()
        };
        (self.kind != TestBackplaneKind::Local).then_some(config)
    }

    /// Ends the server with SIGKILL. The embedded broker is stopped, and loses its state.
    pub(crate) async fn kill(&mut self) {
        match &mut self.server {
            TestServer::Embedded { broker, .. } => {
                if let Some(broker) = broker.take() {
                    broker.stop().await;
                }
            }
            TestServer::Own(own) => own.with(Service::kill).await,
            TestServer::Shared(_) => panic!("other tests use this server"),
        }
    }

    /// Starts the server again at the same address, with the data that it has kept.
    pub(crate) async fn start_again(&mut self) {
        match &mut self.server {
            TestServer::Embedded { address, .. } => {
                self.server = TestServer::embedded_at(*address, self.lease);
            }
            TestServer::Own(own) => own.with(|service| service.restart().unwrap()).await,
            TestServer::Shared(_) => panic!("other tests use this server"),
        }
    }

    /// Returns the server's process.
    fn service(&self) -> Option<&Service> {
        match &self.server {
            TestServer::Embedded { .. } => None,
            TestServer::Own(own) => Some(own.service()),
            TestServer::Shared(service) => Some(service),
        }
    }
}

impl TestServer {
    fn embedded_at(address: SocketAddr, lease: Duration) -> Self {
        let config = BrokerConfig {
            secret: Some(secret()),
            ping_interval: (lease / 10).min(Duration::from_secs(1)),
            peer_timeout: lease,
            ..BrokerConfig::default()
        };
        let broker = TestBroker::start_at(address, config);
        Self::Embedded {
            address: broker.address,
            broker: Some(broker),
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Embedded { address, .. } => format!("local://{address}"),
            Self::Own(own) => own.service().url(),
            Self::Shared(service) => service.url(),
        }
    }
}

/// Returns the secret of all clusters of the tests.
pub(crate) fn secret() -> ClusterSecret {
    "0123456789abcdef".parse().unwrap()
}

fn unique_name() -> ClusterName {
    format!("test-{:016x}", rand::random::<u64>())
        .parse()
        .unwrap()
}
