//! A broker that is running already: asked whether it answers before anything
//! is started, sampled, and never touched.
//!
//! - [`process`]: its process, where it is one of this machine;
//! - one file for each kind of broker: the connection that shows that it answers.

mod nats;
mod process;
mod rabbitmq;
mod redis;

use std::{ffi::OsString, time::Duration};

use highwater_reports::record::{Source, SourceRole};
use highwater_scenarios::plan::{BROKER_NAME, BrokerSpec};
use highwater_types::{BrokerKind, BrokerUrl};
use tokio::time::timeout;

use self::process::BrokerProcess;
use super::super::TestbedError;
use crate::sampling::{BrokerEndpoint, SampleEndpoint, SampleTarget};

/// How long it may take to answer before the run.
const REACH_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a node reads its backplane's address, so that a password in it stands
/// on no command line.
const BACKPLANE_ENV: &str = "HIGHWATER_BACKPLANE";

/// A broker that is running already.
#[derive(Debug)]
pub(in crate::testbed) struct ExternalBroker {
    broker: BrokerSpec,
    /// What the nodes of this run call their cluster, so that they meet no
    /// others at the broker.
    cluster: String,
    process: BrokerProcess,
}

impl ExternalBroker {
    /// The broker, once it has answered.
    pub(super) async fn connect(broker: BrokerSpec) -> Result<Self, TestbedError> {
        let answered = timeout(REACH_TIMEOUT, check_connection(&broker.url)).await;
        let answered = answered.unwrap_or_else(|_| Err(format!("no answer in {REACH_TIMEOUT:?}")));
        answered.map_err(|reason| unreachable_error(&broker.url, reason))?;
        Ok(Self {
            process: BrokerProcess::locate(&broker).await,
            cluster: format!("run-{:08x}", rand::random::<u32>()),
            broker,
        })
    }

    pub(super) fn join_args(&self) -> (Vec<OsString>, Vec<(OsString, OsString)>) {
        let arguments = vec!["--cluster".into(), (&self.cluster).into()];
        let url = self.broker.url.expose_secret().into();
        (arguments, vec![(BACKPLANE_ENV.into(), url)])
    }

    /// Removes what the run's cluster kept at the broker, now that its nodes have
    /// ended. In words, what they should have taken along, and why that could not
    /// be seen.
    pub(super) async fn cleanup(&self) -> Vec<String> {
        let url = &self.broker.url;
        let name = url.kind().name();
        let tidied = timeout(REACH_TIMEOUT, cleanup(url, &self.cluster)).await;
        match tidied.unwrap_or_else(|_| Err(format!("no answer in {REACH_TIMEOUT:?}"))) {
            Ok(left) => left
                .into_iter()
                .map(|left| format!("the nodes have ended and {name} still has {left}"))
                .collect(),
            Err(reason) => vec![format!(
                "what the run left at {name} could not be removed: {}",
                without_secret(url, &reason)
            )],
        }
    }

    pub(super) fn sample_target(&self) -> SampleTarget {
        SampleTarget {
            source: Source::new(SourceRole::Broker, BROKER_NAME),
            pid: self.process.pid(),
            endpoint: BrokerEndpoint::for_broker(&self.broker).map(SampleEndpoint::Broker),
        }
    }
}

/// A connection in the broker's own protocol, with user and password, closed
/// again; in words why there is none.
async fn check_connection(url: &BrokerUrl) -> Result<(), String> {
    match url.kind() {
        BrokerKind::Redis => redis::check_connection(url).await,
        BrokerKind::Nats => nats::check_connection(url).await,
        BrokerKind::RabbitMq => rabbitmq::check_connection(url).await,
    }
}

/// Removes what a cluster kept at the broker; answers with what its nodes should
/// have removed themselves.
async fn cleanup(url: &BrokerUrl, cluster: &str) -> Result<Vec<String>, String> {
    match url.kind() {
        BrokerKind::Redis => redis::cleanup(url, cluster).await,
        BrokerKind::Nats => nats::cleanup(url, cluster).await,
        BrokerKind::RabbitMq => rabbitmq::cleanup(url, cluster).await,
    }
}

fn unreachable_error(url: &BrokerUrl, reason: String) -> TestbedError {
    let (name, port) = (url.kind().name(), url.port());
    let start = match url.kind() {
        BrokerKind::Redis => format!("redis-server --port {port}"),
        BrokerKind::Nats => format!("nats-server -p {port} -m 8222 -js"),
        BrokerKind::RabbitMq => "rabbitmq-server".to_owned(),
    };
    TestbedError::BrokerUnreachable {
        name,
        url: url.to_string(),
        reason: without_secret(url, &reason),
        hint: format!("start it first (`{start}`), or correct `backplane` in the scenario"),
    }
}

/// A library may quote the address that it was given.
fn without_secret(url: &BrokerUrl, reason: &str) -> String {
    reason.replace(url.expose_secret(), &url.to_string())
}
