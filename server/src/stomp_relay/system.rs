//! The system connection of a node.

use std::{ops::ControlFlow, sync::Arc};

use highwater_stomp::{Command, Version, header};
use tokio::time::Instant;

use super::relay::StompRelay;
use crate::net::backoff::Backoff;

/// Keeps the system connection open: after a loss it connects again, to the next server if the
/// last one does not answer, with growing pauses.
pub(crate) async fn run(relay: Arc<StompRelay>) {
    let mut backoff = Backoff::default();
    let mut is_first_failure = true;
    loop {
        let versions = vec![Version::V1_2, Version::V1_1];
        match relay.open(versions, None, None).await {
            Ok(connection) => {
                let began = Instant::now();
                let (to_broker, outbound) = relay.channel();
                *relay.system.lock() = Some(to_broker);
                relay.metrics.available.set(1);
                tracing::info!(broker = %relay.url, "the STOMP broker is available");
                let end = connection.run(outbound, on_frame).await;
                *relay.system.lock() = None;
                relay.metrics.available.set(0);
                relay.metrics.lost.inc();
                tracing::warn!(broker = %relay.url, reason = %end,
                    "lost the system connection to the STOMP broker; connecting again");
                backoff.record_disconnect(began.elapsed());
                is_first_failure = true;
            }
            // One message for one outage.
            Err(error) if std::mem::take(&mut is_first_failure) => {
                tracing::warn!(broker = %relay.url, %error,
                    "cannot open the system connection to the STOMP broker; retrying");
            }
            Err(_) => {}
        }
        backoff.wait().await;
    }
}

/// The node subscribes to nothing, so that only errors arrive.
fn on_frame(frame: highwater_stomp::Frame) -> ControlFlow<()> {
    if frame.command == Command::Error {
        let reason = frame.get(header::MESSAGE).unwrap_or_default();
        tracing::warn!(reason, "the STOMP broker rejects a frame of this node");
        return ControlFlow::Break(());
    }
    ControlFlow::Continue(())
}
