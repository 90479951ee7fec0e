//! Backplanes to test against: each a kind, with a real server under it.

use std::{
    net::SocketAddr,
    process::Command,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use highwater_server::{BackplaneUrl, BrokerConfig, ClusterName, backplane::BackplaneConfig};
use highwater_services::{Nats, RabbitMq, Redis, RedisCluster, RedisOptions, Service};

use crate::rig::{Broker, any_port};

/// Each test once for every backplane: `local::TEST`, `redis::TEST`, … A new
/// backplane is a variant of [`Kind`] and a line here.
macro_rules! on_every_backplane {
    ($($test:ident),+ $(,)?) => {
        mod local { $crate::ground::on_every_backplane!(@Local $($test),+); }
        mod redis { $crate::ground::on_every_backplane!(@Redis $($test),+); }
        mod redis_cluster { $crate::ground::on_every_backplane!(@RedisCluster $($test),+); }
        mod nats { $crate::ground::on_every_backplane!(@Nats $($test),+); }
        mod rabbitmq { $crate::ground::on_every_backplane!(@RabbitMq $($test),+); }
    };
    (@$kind:ident $($test:ident),+) => {
        $(
            #[tokio::test]
            async fn $test() {
                super::$test($crate::ground::Kind::$kind).await;
            }
        )+
    };
}
pub(crate) use on_every_backplane;

/// How long a node may be silent on test grounds: longer than a busy machine lets
/// a test wait for the processor.
pub(crate) const LEASE: Duration = Duration::from_secs(5);

/// A kind of backplane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Local,
    Redis,
    RedisCluster,
    Nats,
    RabbitMq,
}

/// A cluster's place on a backplane, and what keeps it alive.
pub(crate) struct Ground {
    pub(crate) kind: Kind,
    url: String,
    cluster: ClusterName,
    lease: Duration,
    under: Under,
}

enum Under {
    Embedded {
        address: SocketAddr,
        broker: Option<Broker>,
    },
    /// In its own process; `None` while it is being killed or started.
    Own(Option<Service>),
    /// Serves other tests too.
    Shared(Arc<Service>),
}

impl Kind {
    /// A place of its own, on a server that other tests may use too.
    pub(crate) fn ground(self) -> Ground {
        match self {
            Self::Local => self.own_ground(),
            _ => self.on(Under::Shared(self.shared())),
        }
    }

    /// A server of its own, to be killed.
    pub(crate) fn own_ground(self) -> Ground {
        let under = match self {
            Self::Local => Under::embedded_at(any_port()),
            _ => Under::Own(Some(self.start())),
        };
        self.on(under)
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
            Self::Redis => Redis::start(RedisOptions::default()).unwrap(),
            Self::RedisCluster => RedisCluster::start().unwrap(),
            Self::Nats => Nats::start().unwrap(),
            Self::RabbitMq => RabbitMq::start().unwrap(),
        }
    }

    /// One server for all tests that run at the same time.
    fn shared(self) -> Arc<Service> {
        static SHARED: Mutex<Vec<(Kind, Weak<Service>)>> = Mutex::new(Vec::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let running = shared.iter().find(|(kind, _)| *kind == self);
        if let Some(service) = running.and_then(|(_, service)| service.upgrade()) {
            return service;
        }
        let service = Arc::new(self.start());
        shared.retain(|(kind, _)| *kind != self);
        shared.push((self, Arc::downgrade(&service)));
        service
    }
}

impl Ground {
    /// With another lease.
    pub(crate) fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
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
        (self.kind != Kind::Local).then_some(config)
    }

    /// Ends the server with SIGKILL; the embedded broker, by dropping what it has.
    pub(crate) async fn kill(&mut self) {
        match &mut self.under {
            Under::Embedded { broker, .. } => {
                if let Some(broker) = broker.take() {
                    broker.stop().await;
                }
            }
            Under::Own(_) => self.blocking(|service| service.kill()).await,
            Under::Shared(_) => panic!("other tests use this server"),
        }
    }

    /// Starts it again at the same address, as empty as it came.
    pub(crate) async fn start_again(&mut self) {
        match &mut self.under {
            Under::Embedded { address, .. } => self.under = Under::embedded_at(*address),
            Under::Own(_) => {
                self.blocking(|service| service.start_again().unwrap())
                    .await
            }
            Under::Shared(_) => panic!("other tests use this server"),
        }
    }

    /// The inboxes that exist at the server, as it says itself: `NODE-…`. `None`
    /// when it has none that outlive their connection.
    pub(crate) fn inboxes(&self) -> Option<Vec<String>> {
        let prefix = format!("highwater:{}:inbox:", self.cluster);
        match self.kind {
            Kind::Local => None,
            Kind::Redis => {
                let channels = self.redis(&["PUBSUB", "CHANNELS", &format!("{prefix}*")]);
                Some(without(&prefix, channels))
            }
            // Each shard knows its own only: asked of the one that the URL names.
            Kind::RedisCluster => None,
            // A subscription, which ends with its connection.
            Kind::Nats => None,
            Kind::RabbitMq => Some(self.queues()),
        }
    }

    /// The roster as the server keeps it.
    pub(crate) fn roster(&self) -> Option<serde_json::Value> {
        let key = format!("highwater:{}:roster", self.cluster);
        let text = match self.kind {
            Kind::Local | Kind::RedisCluster | Kind::Nats | Kind::RabbitMq => return None,
            Kind::Redis => self.redis(&["HGET", &key, "roster"]).concat(),
        };
        Some(serde_json::from_str(&text).unwrap())
    }

    /// The answer's lines.
    fn redis(&self, command: &[&str]) -> Vec<String> {
        let mut cli = Command::new("redis-cli");
        cli.args(["-u", &self.url, "--raw"]).args(command);
        let output = cli.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    }

    /// The nodes' queues, as the management interface lists them.
    fn queues(&self) -> Vec<String> {
        let admin = match &self.under {
            Under::Own(service) => service.as_ref().and_then(Service::admin),
            Under::Shared(service) => service.admin(),
            Under::Embedded { .. } => None,
        };
        let url = format!("{}/api/queues?disable_stats=true", admin.unwrap());
        let output = Command::new("curl").args(["-sSf", &url]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let queues: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
        let names = queues.iter().map(|queue| queue["name"].as_str().unwrap());
        let prefix = format!("highwater.{}.inbox.", self.cluster);
        without(&prefix, names.map(str::to_owned).collect())
    }

    /// Off this thread, on which nodes run.
    async fn blocking(&mut self, act: impl FnOnce(&mut Service) + Send + 'static) {
        let Under::Own(service) = &mut self.under else {
            unreachable!()
        };
        let mut taken = service.take().unwrap();
        let acted = tokio::task::spawn_blocking(move || {
            act(&mut taken);
            taken
        });
        *service = Some(acted.await.unwrap());
    }
}

impl Under {
    fn embedded_at(address: SocketAddr) -> Self {
        let config = BrokerConfig {
            ping_every: LEASE / 10,
            dead_after: LEASE,
            ..BrokerConfig::default()
        };
        let broker = Broker::start_at(address, config);
        Self::Embedded {
            address: broker.address,
            broker: Some(broker),
        }
    }

    fn url(&self) -> String {
        match self {
            Self::Embedded { address, .. } => format!("local://{address}"),
            Self::Own(service) => service.as_ref().unwrap().url(),
            Self::Shared(service) => service.url(),
        }
    }
}

/// The names that have the prefix, without it.
fn without(prefix: &str, names: Vec<String>) -> Vec<String> {
    let bare = |name: &String| name.strip_prefix(prefix).map(str::to_owned);
    names.iter().filter_map(bare).collect()
}

fn unique_name() -> ClusterName {
    format!("test-{:016x}", rand::random::<u64>())
        .parse()
        .unwrap()
}
