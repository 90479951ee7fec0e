//! Backplanes to test against: each a kind, with a real server under it.
//!
//! `macros` (a test for each kind), this file's [`Ground`] (a cluster's place on a
//! backplane), `servers` (who uses which server), `witness` (what a server says of a
//! cluster).

mod macros;
mod servers;
mod witness;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use highwater_server::{BackplaneUrl, BrokerConfig, ClusterName, backplane::BackplaneConfig};
use highwater_services::{
    NatsService, RabbitMqService, RedisClusterService, RedisOptions, RedisService, Service,
};

pub(crate) use self::macros::on_every_backplane;
use self::servers::{OwnedServer, shared};
use crate::rig::{TestBroker, any_port};

/// How long a node may be silent where no test waits for it: far longer than a busy
/// machine lets one wait for the processor.
const LEASE: Duration = Duration::from_secs(10);

/// The same where a test does wait for it.
pub(crate) const SHORT: Duration = Duration::from_millis(2500);

/// A kind of backplane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TestBackplaneKind {
    Local,
    Redis,
    RedisCluster,
    Nats,
    RabbitMq,
}

/// A cluster's place on a backplane, and what keeps it alive.
pub(crate) struct Ground {
    pub(crate) kind: TestBackplaneKind,
    url: String,
    cluster: ClusterName,
    lease: Duration,
    under: Under,
}

enum Under {
    Embedded {
        address: SocketAddr,
        broker: Option<TestBroker>,
    },
    /// For this test alone, while it lasts.
    Own(OwnedServer),
    /// Serves other tests too.
    Shared(Arc<Service>),
}

impl TestBackplaneKind {
    /// A place of its own, on a server that other tests may use too.
    pub(crate) fn ground(self) -> Ground {
        match self {
            Self::Local => self.own_ground(),
            _ => self.on(Under::Shared(shared(self))),
        }
    }

    /// On a server that may be killed.
    pub(crate) fn own_ground(self) -> Ground {
        self.on(match self {
            Self::Local => Under::embedded_at(any_port(), LEASE),
            _ => Under::Own(OwnedServer::of(self)),
        })
    }

    /// On a server that may be killed, and keeps what it has then.
    pub(crate) fn lasting_ground(self) -> Ground {
        match self {
            Self::Redis => {
                let persistent = RedisService::start(RedisOptions { persistent: true });
                self.on(Under::Own(OwnedServer::new(persistent.unwrap())))
            }
            _ => self.own_ground(),
        }
    }

    fn on(self, under: Under) -> Ground {
        Ground {
            kind: self,
            url: under.url(),
            cluster: unique_name(),
            lease: LEASE,
            under,
        }
    }

    fn start(self) -> Service {
        match self {
            Self::Local => unreachable!("the embedded broker is no process"),
            Self::Redis => RedisService::start(RedisOptions::default()).unwrap(),
            Self::RedisCluster => RedisClusterService::start().unwrap(),
            Self::Nats => NatsService::start().unwrap(),
            Self::RabbitMq => RabbitMqService::start().unwrap(),
        }
    }
}

impl Ground {
    /// With another lease; the embedded broker has one for all.
    pub(crate) fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        if let Under::Embedded { .. } = self.under {
            self.under = Under::embedded_at(any_port(), lease);
            self.url = self.under.url();
        }
        self
    }

    pub(crate) fn url(&self) -> BackplaneUrl {
        self.url.parse().unwrap()
    }

    pub(crate) fn config(&self) -> BackplaneConfig {
        BackplaneConfig {
            url: Some(self.url()),
            cluster: self.cluster.clone(),
            lease: self.lease,
        }
    }

    /// How another cluster meets on the same server; the embedded broker has room
    /// for one.
    pub(crate) fn neighbour(&self) -> Option<BackplaneConfig> {
        let config = BackplaneConfig {
            cluster: unique_name(),
            ..self.config()
        };
        (self.kind != TestBackplaneKind::Local).then_some(config)
    }

    /// Ends the server with SIGKILL; the embedded broker, by dropping what it has.
    pub(crate) async fn kill(&mut self) {
        match &mut self.under {
            Under::Embedded { broker, .. } => {
                if let Some(broker) = broker.take() {
                    broker.stop().await;
                }
            }
            Under::Own(own) => own.with(Service::kill).await,
            Under::Shared(_) => panic!("other tests use this server"),
        }
    }

    /// Starts it again at the same address, with what it has kept.
    pub(crate) async fn start_again(&mut self) {
        match &mut self.under {
            Under::Embedded { address, .. } => {
                self.under = Under::embedded_at(*address, self.lease);
            }
            Under::Own(own) => own.with(|service| service.restart().unwrap()).await,
            Under::Shared(_) => panic!("other tests use this server"),
        }
    }

    /// The server's process.
    fn service(&self) -> Option<&Service> {
        match &self.under {
            Under::Embedded { .. } => None,
            Under::Own(own) => Some(own.service()),
            Under::Shared(service) => Some(service),
        }
    }
}

impl Under {
    fn embedded_at(address: SocketAddr, lease: Duration) -> Self {
        let config = BrokerConfig {
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

fn unique_name() -> ClusterName {
    format!("test-{:016x}", rand::random::<u64>())
        .parse()
        .unwrap()
}
