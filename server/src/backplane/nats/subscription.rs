//! A task that moves the messages of a subscription to the node.

use async_nats::{Client, Subject};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio_util::task::AbortOnDropHandle;

use super::fragments::Reassembler;
use crate::backplane::remote::{InboundFrame, InboundSender, TransportError};

/// A subscription, which ends when this is dropped.
pub(super) type SubscriptionTask = AbortOnDropHandle<()>;

/// Subscribes to `subject` and pushes its messages to `inbound`, as `to_frame` converts
/// them.
///
/// The server may not have the subscription when this returns; a round trip ensures it.
pub(super) async fn spawn_subscription(
    client: &Client,
    subject: Subject,
    inbound: InboundSender,
    to_frame: impl Fn(Bytes) -> InboundFrame + Send + 'static,
) -> Result<SubscriptionTask, TransportError> {
    let mut subscriber = client
        .subscribe(subject)
        .await
        .map_err(TransportError::broken)?;
    // The task ends when its handle is dropped, and the subscription with it.
    let task = tokio::spawn(async move {
        let mut reassembler = Reassembler::default();
        while let Some(message) = subscriber.next().await {
            if let Some(frame) = reassembler.push(message) {
                inbound.push(to_frame(frame));
            }
        }
    });
    Ok(AbortOnDropHandle::new(task))
}
