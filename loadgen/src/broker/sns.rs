//! SNS and SQS, and the table in DynamoDB: everything that a cluster has there.
//!
//! The services have no process and no gauges of their own.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use highwater_scenarios::plan::BrokerSpec;
use highwater_types::BrokerUrl;

use super::driver::BrokerDriver;
use crate::sampling::{GaugeSource, Gauges};

#[cfg(feature = "aws")]
mod clients;
#[cfg(feature = "aws")]
mod cluster;
#[cfg(not(feature = "aws"))]
mod cluster {
    //! A build without the client library. Nodes of the same build reject the address as well.

    use highwater_types::BrokerUrl;

    const NOT_BUILT: &str = "this build has no client; hint: build it with `--features aws`";

    pub(super) async fn check(_: &BrokerUrl) -> Result<(), String> {
        Err(NOT_BUILT.to_owned())
    }

    pub(super) async fn remove(_: &BrokerUrl, _: &str) -> Result<Vec<String>, String> {
        Err(NOT_BUILT.to_owned())
    }
}

/// The driver of SNS with SQS.
pub(super) struct Sns;

impl BrokerDriver for Sns {
    fn check_connection<'b>(&self, url: &'b BrokerUrl) -> BoxFuture<'b, Result<(), String>> {
        cluster::check(url).boxed()
    }

    fn cleanup<'b>(
        &self,
        url: &'b BrokerUrl,
        cluster: &'b str,
    ) -> BoxFuture<'b, Result<Vec<String>, String>> {
        cluster::remove(url, cluster).boxed()
    }

    fn gauge_source(&self, _: &BrokerSpec, _: &str) -> Option<Arc<dyn GaugeSource>> {
        None
    }

    fn parse_gauges(&self, _: &str) -> Option<Gauges> {
        None
    }

    fn start_command(&self, port: u16) -> String {
        format!("GATEWAY_PORT={port} SERVICES=sns,sqs,dynamodb,dynamodbstreams ministack")
    }

    fn process_names(&self) -> &'static [&'static str] {
        // The emulator. The provider's services have no process here.
        &["ministack"]
    }
}
