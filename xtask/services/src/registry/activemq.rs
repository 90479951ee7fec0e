//! ActiveMQ Classic with STOMP over TCP: one broker, or a network of two.
//!
//! The brokers keep no messages on disk. Debian's package has neither the web console nor the
//! WebSocket listener, which need Jetty.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use highwater_process::port;

use crate::{Service, ServiceError, ServiceKind, definition::ServiceDefinition, program, stomp};

/// The brokers of a network.
const NETWORK_BROKERS: usize = 2;

/// The bound of a broker's heap, which it reaches only with messages in it.
const MAX_HEAP: &str = "-Xmx256m";

/// Starts a broker of ActiveMQ.
#[derive(Debug)]
pub struct ActiveMqService {
    programs: Programs,
    broker: Broker,
}

/// Starts brokers of ActiveMQ that forward messages to each other's subscribers.
#[derive(Debug)]
pub struct ActiveMqNetworkService {
    programs: Programs,
    brokers: Vec<Broker>,
}

/// The programs of which a broker consists.
#[derive(Debug)]
struct Programs {
    java: PathBuf,
    launcher: PathBuf,
}

/// One broker.
#[derive(Debug)]
struct Broker {
    /// The name, which must be unique in a network.
    name: String,
    stomp: u16,
    /// The port of ActiveMQ's own protocol, by which brokers reach each other.
    openwire: u16,
}

impl ActiveMqService {
    /// Starts it and waits until it accepts a login.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start() -> Result<Service, ServiceError> {
        Service::start(Self {
            programs: Programs::find()?,
            broker: Broker::pick(1)?,
        })
    }
}

impl ActiveMqNetworkService {
    /// Starts it and waits until messages pass in every direction.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn start() -> Result<Service, ServiceError> {
        Service::start(Self {
            programs: Programs::find()?,
            brokers: (1..=NETWORK_BROKERS)
                .map(Broker::pick)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Returns each broker with those that it forwards messages to.
    fn routes(&self) -> impl Iterator<Item = (&Broker, Vec<&Broker>)> {
        self.brokers.iter().map(|broker| {
            let is_other = |other: &&Broker| other.name != broker.name;
            (broker, self.brokers.iter().filter(is_other).collect())
        })
    }
}

impl Programs {
    fn find() -> Result<Self, ServiceError> {
        Ok(Self {
            java: program::JAVA.require()?,
            launcher: program::ACTIVEMQ.require()?,
        })
    }

    /// Returns the command of a broker that forwards messages to `peers`.
    fn command(&self, broker: &Broker, peers: &[&Broker], directory: &Path) -> Command {
        let files = broker.files(directory);
        let property = |name: &str, value: &Path| format!("-D{name}={}", value.display());
        let mut command = Command::new(&self.java);
        command
            // Otherwise a killed broker leaves a file in the machine's temporary directory.
            .args([MAX_HEAP, "-XX:-UsePerfData"])
            .arg(property("java.io.tmpdir", &files))
            .arg(property("activemq.home", Path::new(program::ACTIVEMQ_HOME)))
            .arg(property("activemq.base", &files))
            .arg(property("activemq.data", &files))
            .arg("-jar")
            .arg(&self.launcher)
            .args(["start", &broker.config(peers)]);
        command
    }
}

impl Broker {
    fn pick(number: usize) -> Result<Self, ServiceError> {
        Ok(Self {
            name: format!("highwater-{number}"),
            stomp: port::pick_free_port()?,
            openwire: port::pick_free_port()?,
        })
    }

    /// Returns the directory of its files.
    fn files(&self, directory: &Path) -> PathBuf {
        directory.join(&self.name)
    }

    /// Returns its configuration, which ActiveMQ takes in the form of a URL.
    fn config(&self, peers: &[&Self]) -> String {
        let Self {
            name,
            stomp,
            openwire,
        } = self;
        let peers: String = peers
            .iter()
            .map(|peer| format!(",network:static:(tcp://127.0.0.1:{})", peer.openwire))
            .collect();
        format!(
            "broker:(stomp://127.0.0.1:{stomp},tcp://127.0.0.1:{openwire}{peers})\
             ?persistent=false&useJmx=false&brokerName={name}"
        )
    }
}

impl ServiceDefinition for ActiveMqService {
    fn kind(&self) -> ServiceKind {
        ServiceKind::ActiveMq
    }

    /// Returns the URL for STOMP clients.
    fn url(&self) -> String {
        stomp_url([&self.broker])
    }

    fn stomp_url(&self) -> Option<String> {
        Some(self.url())
    }

    fn prepare(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir(self.broker.files(directory))
    }

    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        Ok(vec![self.programs.command(&self.broker, &[], directory)])
    }

    fn is_ready(&self) -> bool {
        stomp::is_ready(self.broker.stomp)
    }
}

impl ServiceDefinition for ActiveMqNetworkService {
    fn kind(&self) -> ServiceKind {
        ServiceKind::ActiveMqNetwork
    }

    /// Returns the URL of all brokers for STOMP clients.
    fn url(&self) -> String {
        stomp_url(&self.brokers)
    }

    fn stomp_url(&self) -> Option<String> {
        Some(self.url())
    }

    fn prepare(&self, directory: &Path) -> io::Result<()> {
        let mut brokers = self.brokers.iter();
        brokers.try_for_each(|broker| fs::create_dir(broker.files(directory)))
    }

    fn server_commands(&self, directory: &Path) -> Result<Vec<Command>, ServiceError> {
        let routes = self.routes();
        let command = |(broker, peers): (&Broker, Vec<&Broker>)| {
            self.programs.command(broker, &peers, directory)
        };
        Ok(routes.map(command).collect())
    }

    fn is_listening(&self) -> bool {
        let mut brokers = self.brokers.iter();
        brokers.all(|broker| stomp::is_ready(broker.stomp))
    }

    /// Whether each broker's messages reach the subscribers of the others.
    fn is_ready(&self) -> bool {
        self.routes().all(|(broker, peers)| {
            let mut peers = peers.into_iter();
            peers.all(|peer| stomp::passes_messages(broker.stomp, peer.stomp))
        })
    }
}

/// Returns the URL of all these brokers. They accept any login.
fn stomp_url<'a>(brokers: impl IntoIterator<Item = &'a Broker>) -> String {
    let brokers = brokers.into_iter();
    let addresses: Vec<String> = brokers
        .map(|broker| format!("127.0.0.1:{}", broker.stomp))
        .collect();
    format!("stomp://{}", addresses.join(","))
}
