//! From a subscription to the node's arrivals.

use async_nats::{Client, Subject};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio_util::task::AbortOnDropHandle;

use super::fragments::Reassembler;
use crate::backplane::remote::{InboundFrame, InboundSender, TransportError};

/// A subscription that lasts until this is dropped.
pub(super) type SubscriptionTask = AbortOnDropHandle<()>;

/// Hands what comes on `subject` to `arrivals`, as what `arrived` makes of it. The server
/// may not have heard of it when this returns.
pub(super) async fn spawn_subscription(
    client: &Client,
    subject: Subject,
    arrivals: InboundSender,
    arrived: impl Fn(Bytes) -> InboundFrame + Send + 'static,
) -> Result<SubscriptionTask, TransportError> {
    let mut subscriber = client
        .subscribe(subject)
        .await
        .map_err(TransportError::broken)?;
    let listening = tokio::spawn(async move {
        let mut assembly = Reassembler::default();
        while let Some(message) = subscriber.next().await {
            if let Some(frame) = assembly.push(message) {
                arrivals.push(arrived(frame));
            }
        }
    });
    Ok(AbortOnDropHandle::new(listening))
}
