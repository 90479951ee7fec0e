//! A broker that runs already: checked before the run, sampled, and cleaned up afterwards.

use std::{sync::Arc, time::Duration};

use highwater_reports::record::{Source, SourceRole};
use highwater_scenarios::plan::{BROKER_NAME, BrokerSpec, TELEMETRY_BROKER_NAME};
use highwater_types::{BrokerKind, BrokerUrl, redact_passwords};
use tokio::time::timeout;

use super::{
    super::{
        TestbedError,
        credentials::ClusterSecret,
        launcher::{LaunchArgs, Launcher},
    },
    broker_process::BrokerProcess,
    stream_filter::StreamFilter,
};
use crate::{
    broker::{self, BrokerDriver},
    sampling::{GaugeSource, SampleEndpoint, SampleTarget},
};

/// The longest time for the broker to answer before the run, and for the cleanup after it.
const REACH_TIMEOUT: Duration = Duration::from_secs(5);

/// The environment variable in which a node finds the file of the broker's authorities.
const BROKER_CA_ENV: &str = "HIGHWATER_BROKER_CA";

/// A broker that runs already.
#[derive(Debug)]
pub(in crate::testbed) struct ExternalBroker {
    usage: BrokerUse,
    url: BrokerUrl,
    /// The PEM file of the authorities that nodes trust.
    ca: Option<String>,
    /// Signs the membership table, because others may use the broker too.
    secret: ClusterSecret,
    process: BrokerProcess,
    gauges: Option<Arc<dyn GaugeSource>>,
    /// The filter, where nodes write to a table and its stream is published.
    filter: Option<StreamFilter>,
}

/// The use of a broker in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BrokerUse {
    /// The broker that joins the nodes. It carries telemetry where the scenario names no other
    /// broker for it.
    Backplane,
    /// The broker that carries telemetry.
    Telemetry,
}

impl BrokerUse {
    /// Returns the environment variable in which a process finds the broker's address. On the
    /// command line, every user of the machine could read the password in it.
    fn variable(self) -> &'static str {
        match self {
            Self::Backplane => "HIGHWATER_BACKPLANE",
            Self::Telemetry => "HIGHWATER_TELEMETRY",
        }
    }

    /// Returns the name of the broker in the record.
    fn source_name(self) -> &'static str {
        match self {
            Self::Backplane => BROKER_NAME,
            Self::Telemetry => TELEMETRY_BROKER_NAME,
        }
    }

    /// Returns the scenario's key of the address, and the one of its table.
    fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::Backplane => ("backplane", "broker"),
            Self::Telemetry => ("telemetry", "telemetry_broker"),
        }
    }
}

impl ExternalBroker {
    /// Connects to the broker once, to see that it answers. `cluster` is the cluster's name
    /// there.
    pub(super) async fn connect(
        mut broker: BrokerSpec,
        usage: BrokerUse,
        cluster: &str,
    ) -> Result<Self, TestbedError> {
        let (address_key, table_key) = usage.keys();
        if let Some(file) = &broker.ca {
            let read = std::fs::read_to_string(file);
            let pem = read.map_err(|error| TestbedError::BrokerUnreachable {
                name: broker.url.kind().name(),
                url: broker.url.to_string(),
                reason: format!("cannot read the authorities in {file}: {error}"),
                hint: format!("correct `ca` of `{table_key}` in the scenario"),
            })?;
            broker.url = broker.url.with_ca(pem.into());
        }
        let driver = broker::driver(broker.url.kind());
        // One connection here, before thousands of log lines of nodes that cannot connect.
        let checked = within_timeout(driver.check_connection(&broker.url)).await;
        checked.map_err(|reason| unreachable_error(driver, &broker.url, address_key, &reason))?;
        Ok(Self {
            process: BrokerProcess::locate(&broker).await,
            usage,
            secret: ClusterSecret::random(),
            gauges: driver.gauge_source(&broker, cluster),
            url: broker.url,
            ca: broker.ca,
            filter: None,
        })
    }

    /// Starts the filter of the cluster, if what its nodes write needs one.
    pub(super) async fn with_filter(
        mut self,
        cluster: &str,
        launcher: &Launcher,
    ) -> Result<Self, TestbedError> {
        if self.url.kind() == BrokerKind::DynamoDb {
            let mut args = LaunchArgs::new(["--cluster", cluster]);
            args.extend(self.join_args());
            self.filter = Some(StreamFilter::start(launcher, args).await?);
        }
        Ok(self)
    }

    /// Whether the other broker is this one: it has the same servers.
    pub(super) fn is_same_broker(&self, other: &Self) -> bool {
        self.url.kind() == other.url.kind() && self.url.servers() == other.url.servers()
    }

    pub(super) fn join_args(&self) -> LaunchArgs {
        let mut args = LaunchArgs::default();
        let url = self.url.expose_secret().into();
        args.env.push((self.usage.variable().into(), url));
        if let Some(file) = &self.ca {
            args.env.push((BROKER_CA_ENV.into(), file.into()));
        }
        if self.usage == BrokerUse::Backplane {
            args.extend(self.secret.args());
        }
        args
    }

    /// Removes the names of a cluster at the broker. The nodes have ended. Returns what they
    /// should have removed themselves, and a reason if the cleanup failed, in words.
    pub(super) async fn cleanup(&self, cluster: &str) -> Vec<String> {
        if let Some(filter) = &self.filter {
            filter.stop().await;
        }
        let name = self.url.kind().name();
        let driver = broker::driver(self.url.kind());
        match within_timeout(driver.cleanup(&self.url, cluster)).await {
            Ok(leftovers) => leftovers
                .into_iter()
                .map(|leftover| format!("the nodes have ended and {name} still has {leftover}"))
                .collect(),
            Err(reason) => vec![format!(
                "cannot remove the names of the run at {name}: {}",
                mask_secret(&self.url, &reason)
            )],
        }
    }

    pub(super) fn sample_target(&self) -> SampleTarget {
        SampleTarget::new(
            Source::new(SourceRole::Broker, self.usage.source_name()),
            self.process.pid(),
            self.gauges.clone().map(SampleEndpoint::Native),
        )
    }
}

async fn within_timeout<T>(answer: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let answered = timeout(REACH_TIMEOUT, answer).await;
    answered.unwrap_or_else(|_| Err(format!("no answer within {REACH_TIMEOUT:?}")))
}

fn unreachable_error(
    driver: &dyn BrokerDriver,
    url: &BrokerUrl,
    key: &str,
    reason: &str,
) -> TestbedError {
    let start = driver.start_command(url.port());
    TestbedError::BrokerUnreachable {
        name: url.kind().name(),
        url: url.to_string(),
        reason: mask_secret(url, reason),
        hint: format!("start it first (`{start}`), or correct `{key}` in the scenario"),
    }
}

/// Replaces each address by its masked form. A client library may quote the address that it
/// was given, of one server or of all.
fn mask_secret(url: &BrokerUrl, reason: &str) -> String {
    let masked = reason.replace(url.expose_secret(), &url.to_string());
    redact_passwords(&masked).into_owned()
}
