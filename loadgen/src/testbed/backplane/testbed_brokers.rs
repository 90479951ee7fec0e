//! The brokers of a cluster: of the backplane, and another one for telemetry if the scenario
//! names one.

use highwater_scenarios::plan::{ClusterSpec, Plan};

use super::{
    super::{
        TestbedError,
        launcher::{LaunchArgs, Launcher},
    },
    embedded::EmbeddedBroker,
    external::{BrokerUse, ExternalBroker},
    testbed_backplane::TestbedBackplane,
};
use crate::sampling::SampleTarget;

/// The brokers of a cluster.
#[derive(Debug)]
pub(in crate::testbed) struct TestbedBrokers {
    backplane: TestbedBackplane,
    /// The broker that carries telemetry; `None` is that of the backplane.
    telemetry: Option<ExternalBroker>,
    /// The cluster's name at external brokers. It is random for each run, so that nodes of two
    /// runs at one broker do not see each other.
    cluster: String,
}

impl TestbedBrokers {
    /// Starts the embedded broker, or checks that each external one answers.
    pub(in crate::testbed) async fn start(
        plan: &Plan,
        cluster: &ClusterSpec,
        launcher: &Launcher,
    ) -> Result<Self, TestbedError> {
        let name = format!("run-{:08x}", rand::random::<u32>());
        // First: a missing broker is found before any process starts.
        let telemetry = match &cluster.telemetry {
            Some(broker) => {
                let usage = BrokerUse::Telemetry;
                Some(ExternalBroker::connect(broker.clone(), usage, &name).await?)
            }
            None => None,
        };
        Ok(Self {
            backplane: TestbedBackplane::start(plan, cluster, launcher, &name).await?,
            telemetry,
            cluster: name,
        })
    }

    /// Returns the arguments and variables of a node, which uses both brokers.
    pub(in crate::testbed) fn node_args(&self) -> LaunchArgs {
        let mut args = self.gateway_args();
        if let Some(broker) = &self.telemetry {
            args.extend(broker.join_args());
        }
        args
    }

    /// Returns the arguments and variables of a gateway, which uses the backplane.
    pub(in crate::testbed) fn gateway_args(&self) -> LaunchArgs {
        let mut args = LaunchArgs::new(["--cluster", &self.cluster]);
        args.extend(self.backplane.join_args());
        args
    }

    /// Returns the arguments and variables of a consumer, which uses the queue of telemetry.
    pub(in crate::testbed) fn consumer_args(&self) -> LaunchArgs {
        let Some(broker) = &self.telemetry else {
            return self.gateway_args();
        };
        let mut args = LaunchArgs::new(["--cluster", &self.cluster]);
        args.extend(broker.join_args());
        args
    }

    /// Returns the brokers for the sampler. One broker for both purposes is one process.
    pub(in crate::testbed) fn sample_targets(&self) -> Vec<SampleTarget> {
        let backplane = self.backplane.sample_target();
        let telemetry = self.second_broker().map(ExternalBroker::sample_target);
        backplane.into_iter().chain(telemetry).collect()
    }

    /// Ends the embedded broker, and deletes the names of this run at external ones. The caller
    /// has ended the nodes and consumers before. Returns the problems, one text each.
    pub(in crate::testbed) async fn stop(&self) -> Vec<String> {
        let mut problems = self.backplane.stop(&self.cluster).await;
        if let Some(broker) = self.second_broker() {
            problems.extend(broker.cleanup(&self.cluster).await);
        }
        problems
    }

    /// Returns the embedded broker, or an error if the cluster has none.
    pub(in crate::testbed) fn embedded(&self) -> Result<&EmbeddedBroker, TestbedError> {
        self.backplane.embedded()
    }

    /// Returns the broker of telemetry, if it is another than that of the backplane.
    fn second_broker(&self) -> Option<&ExternalBroker> {
        let broker = self.telemetry.as_ref()?;
        let is_backplane = match &self.backplane {
            TestbedBackplane::External(backplane) => backplane.is_same_broker(broker),
            TestbedBackplane::None | TestbedBackplane::Embedded(_) => false,
        };
        (!is_backplane).then_some(broker)
    }
}
