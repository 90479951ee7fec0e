//! The count of the requests that a node sends, which the provider bills.

use std::sync::Arc;

use aws_sdk_sqs::config::{
    ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::{box_error::BoxError, client::orchestrator::Metadata};

use crate::backplane::RequestCounters;

/// The deliveries of the topic to the node's queue, which no request of the node shows.
pub(super) const DELIVERY: (&str, &str) = ("SNS", "Delivery");

/// The operations that a node repeats for as long as it lives. The others create and remove.
pub(super) const BILLED: &[(&str, &str)] = &[
    ("SNS", "PublishBatch"),
    DELIVERY,
    ("SQS", "SendMessageBatch"),
    ("SQS", "ReceiveMessage"),
    ("SQS", "DeleteMessageBatch"),
    ("DynamoDB", "GetItem"),
    ("DynamoDB", "PutItem"),
];

/// Counts each attempt, because the provider bills a repeated request again.
#[derive(Debug, Clone)]
pub(super) struct CountRequests(pub(super) Arc<RequestCounters>);

impl Intercept for CountRequests {
    fn name(&self) -> &'static str {
        "CountRequests"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(metadata) = config.load::<Metadata>() {
            self.0.count(metadata.service(), metadata.name());
        }
        Ok(())
    }
}
