//! An answer's body on its way back to the client.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::deadline::Rest;
use crate::gateway::{
    backend_load::RequestLease,
    state::Gateway,
    upstream::{Sender, Upstream},
};

/// What a node says. Read to its end, its connection waits for the next request;
/// dropped before, the connection is closed.
pub(super) struct Returning {
    body: Incoming,
    /// Whether the end was seen.
    ended: bool,
    rest: Rest,
    /// Runs while the node is waited for.
    wait: Option<Pin<Box<Sleep>>>,
    /// What is kept for it; none where nothing is to be used again.
    connection: Option<Connection>,
}

/// The connection that the answer comes by.
pub(super) struct Connection {
    pub(super) gateway: Arc<Gateway>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) sender: Sender,
    pub(super) lease: RequestLease,
}

impl Returning {
    pub(super) fn new(body: Incoming, rest: Rest, connection: Option<Connection>) -> Self {
        Self {
            body,
            ended: false,
            rest,
            wait: None,
            connection,
        }
    }

    /// Whether more should have come by now.
    fn is_over(&mut self, task: &mut Context<'_>) -> bool {
        let begin = || Box::pin(sleep_until(self.rest.end(Instant::now())));
        let wait = self.wait.get_or_insert_with(begin);
        wait.as_mut().poll(task).is_ready()
    }

    /// Something came. The next silence is another one; what must have come by some
    /// moment must still have.
    fn heard(&mut self) {
        if let Rest::Silence(_) = self.rest {
            self.wait = None;
        }
    }
}

impl Body for Returning {
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
                this.heard();
                Poll::Ready(Some(frame.map_err(io::Error::other)))
            }
            Poll::Pending if this.is_over(task) => {
                // Cut off, the client sees that this was not all.
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

impl Drop for Returning {
    fn drop(&mut self) {
        let complete = self.ended || self.body.is_end_stream();
        if let Some(connection) = self.connection.take().filter(|_| complete) {
            let Connection {
                gateway,
                upstream,
                sender,
                lease: _lease,
            } = connection;
            upstream.keep(sender, &gateway.config.limits);
        }
    }
}
