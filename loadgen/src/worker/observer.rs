//! An observer of one device: every step of its socket, every frame in both directions, and
//! the use of each received frame.
//!
//! ```text
//! devices::{attempt, upgrade, session}, frames::socket_frames ──► observe ──► observer
//! ```
//!
//! Devices of a run have no observer, and then [`observe`] makes no event. The observer
//! belongs to a task, so that no socket carries a pointer to it.

use std::sync::Arc;

pub use tokio_tungstenite::tungstenite::Message;

tokio::task_local! {
    static OBSERVER: Arc<dyn SocketObserver>;
}

/// A receiver of the events of one device.
pub trait SocketObserver: Send + Sync {
    /// Takes in an event at the instant at which it happens.
    fn on_event(&self, event: SocketEvent<'_>);
}

/// An event of a device.
#[derive(Debug, Clone, Copy)]
pub enum SocketEvent<'e> {
    /// The device sends an HTTP request before its socket opens.
    HttpRequest {
        /// Request line and header fields.
        head: &'e str,
        /// The body.
        body: &'e [u8],
    },
    /// The device received the response to it.
    HttpResponse {
        /// Status line and header fields.
        head: &'e str,
        /// The body.
        body: &'e [u8],
    },
    /// The device has these values of its own, which a log must not show.
    OwnValues(&'e [String]),
    /// An attempt to open the socket begins.
    Connecting {
        /// The address.
        address: &'e str,
    },
    /// The device sends the request of the handshake.
    UpgradeRequest(&'e str),
    /// The device received the head of the response.
    UpgradeResponse(&'e [u8]),
    /// The socket counts as open.
    Opened,
    /// The attempt failed: the KIND of `connect.failed.KIND`.
    Failed(&'e str),
    /// The device sends a frame.
    Sent(&'e Message),
    /// The device received a frame.
    Received(&'e Message),
    /// The use of the last received message. One message may have several.
    Used(FrameUse),
    /// A heartbeat got no answer in time, or a watched one did not come.
    HeartbeatMissed,
    /// The device sends a close frame.
    Closing,
    /// The socket was lost: the KIND of `disconnect.KIND`.
    Lost(&'e str),
}

/// The use of a received message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameUse {
    /// The expected frame of this step of `open`, from 1.
    OpenStep(u8),
    /// A frame that came before the one that this step of `open` waits for.
    Skipped(u8),
    /// The answer to the last heartbeat.
    HeartbeatAnswer,
    /// A heartbeat of the server.
    WatchedHeartbeat,
    /// A message that `count_messages` counts.
    CountedMessage,
    /// A frame that this rule of `answer` is for, from 1.
    Answered(usize),
    /// A frame that a rule of `answer` is for, beyond the limit of answers.
    AnswerLimitReached,
    /// The answer to a message of the device, or the reply to a command.
    ExchangeAnswer,
    /// No rule is for the message.
    Unmatched,
}

/// Runs `device` with an observer of its events.
pub async fn with_observer<D: Future>(observer: Arc<dyn SocketObserver>, device: D) -> D::Output {
    OBSERVER.scope(observer, device).await
}

/// Hands an event to the observer of this task, if it has one.
pub fn observe<'e>(event: impl FnOnce() -> SocketEvent<'e>) {
    // Fails without an observer, as in every run.
    let _ = OBSERVER.try_with(|observer| observer.on_event(event()));
}

/// Whether this task has an observer, for events that cost more than their parts.
pub fn is_observed() -> bool {
    OBSERVER.try_with(|_| ()).is_ok()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicU32);

    impl SocketObserver for Counter {
        fn on_event(&self, _event: SocketEvent<'_>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[tokio::test]
    async fn event_is_made_for_the_observer_of_its_task_only() {
        let counter = Arc::new(Counter::default());
        let observed = with_observer(counter.clone(), async {
            observe(|| SocketEvent::Opened);
            tokio::task::yield_now().await;
            observe(|| SocketEvent::Closing);
        });
        observed.await;
        observe(|| panic!("no event is made without an observer"));
        assert_eq!(counter.0.load(Relaxed), 2);
    }
}
