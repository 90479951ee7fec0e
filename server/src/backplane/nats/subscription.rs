//! From a subscription to the node's arrivals.

use async_nats::{Client, Subject};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio_util::task::AbortOnDropHandle;

use super::{connection::broken, fragments::Assembly};
use crate::backplane::remote::{Arrived, CarrierError, Intake};

/// A subscription that lasts until this is dropped.
pub(super) type Listener = AbortOnDropHandle<()>;

/// Hands what comes on `subject` to `arrivals`, as what `arrived` makes of it. The server
/// may not have heard of it when this returns.
pub(super) async fn listen(
    client: &Client,
    subject: Subject,
    arrivals: Intake,
    arrived: impl Fn(Bytes) -> Arrived + Send + 'static,
) -> Result<Listener, CarrierError> {
    let mut subscriber = client.subscribe(subject).await.map_err(broken)?;
    let listening = tokio::spawn(async move {
        let mut assembly = Assembly::default();
        while let Some(message) = subscriber.next().await {
            if let Some(frame) = assembly.take(message) {
                arrivals.offer(arrived(frame));
            }
        }
    });
    Ok(AbortOnDropHandle::new(listening))
}
