//! The body of a node's response on its way to the client.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::deadline::BodyTimeout;
use crate::gateway::{
    backend_load::RequestGuard,
    state::GatewayState,
    upstream::{RequestSender, Upstream},
};

/// The body of a node's response. When it is read to its end, its connection returns to the
/// pool. When it is dropped earlier, the connection closes.
pub(super) struct ResponseBody {
    body: Incoming,
    /// Whether the end was read.
    ended: bool,
    timeout: BodyTimeout,
    /// Runs while the gateway waits for the node.
    timer: Option<Pin<Box<Sleep>>>,
    /// The connection to return to the pool. `None` if it cannot be reused.
    connection: Option<UpstreamConnection>,
}

/// The connection of a response.
pub(super) struct UpstreamConnection {
    pub(super) gateway: Arc<GatewayState>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) sender: RequestSender,
    pub(super) _guard: RequestGuard,
}

impl ResponseBody {
    pub(super) fn new(
        body: Incoming,
        timeout: BodyTimeout,
        connection: Option<UpstreamConnection>,
    ) -> Self {
        Self {
            body,
            ended: false,
            timeout,
            timer: None,
            connection,
        }
    }

    /// Whether the next bytes are late.
    fn has_timed_out(&mut self, task: &mut Context<'_>) -> bool {
        let start = || Box::pin(sleep_until(self.timeout.expires_at(Instant::now())));
        let timer = self.timer.get_or_insert_with(start);
        timer.as_mut().poll(task).is_ready()
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(task) {
            Poll::Ready(None) => {
                this.ended = true;
                Poll::Ready(None)
            }
            Poll::Ready(Some(frame)) => {
                // The next wait starts its own timer. A deadline counts from the request.
                if let BodyTimeout::Idle(_) = this.timeout {
                    this.timer = None;
                }
                Poll::Ready(Some(frame.map_err(io::Error::other)))
            }
            Poll::Pending if this.has_timed_out(task) => {
                // An error, so that the client does not take a part for the whole body.
                this.connection = None;
                Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        // Unread bytes would be taken for the start of the next response.
        let is_complete = self.ended || self.body.is_end_stream();
        if let Some(connection) = self.connection.take().filter(|_| is_complete) {
            let UpstreamConnection {
                gateway,
                upstream,
                sender,
                _guard,
            } = connection;
            upstream.put_idle(sender, &gateway.config.limits, &gateway.idle_connections);
        }
    }
}
