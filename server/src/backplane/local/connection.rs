//! The connection to the embedded broker, rebuilt for as long as the node lives.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::{
    net::TcpStream,
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    active_connection::ActiveConnection,
    protocol::{self, FrameReader, FrameWriter, FromBroker, PROTOCOL_VERSION, ToBroker},
    send_queue::LocalSendQueue,
};
use crate::{
    backplane::{
        Backplane, Identity, Inbound,
        endpoint::BackplaneEndpoint,
        envelope::{decode_frame, encode_frame},
    },
    net::{backoff::Backoff, bounded_queue::BoundedReceiver},
};

/// The time for each step of connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The time that the broker gets, when the node leaves, to read the last frames.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Starts the connection's task and returns at once.
///
/// The task ends when the node has left in order. It also ends when the receiver of
/// `deliver` is dropped, and then without a word, as if the process had died.
pub(in crate::backplane) fn join(
    authority: &str,
    identity: Identity,
    deliver: mpsc::Sender<Inbound>,
    leave: CancellationToken,
) -> (Arc<dyn Backplane>, JoinHandle<()>) {
    let (send_queue, queue) = LocalSendQueue::new();
    let endpoint = Arc::new(BackplaneEndpoint::new(identity.id.clone(), send_queue));
    let connection = LocalConnection {
        endpoint: Arc::clone(&endpoint),
        identity,
        authority: authority.to_owned(),
        deliver: deliver.clone(),
        queue,
        leave,
    };
    let task = tokio::spawn(async move {
        tokio::select! {
            () = connection.keep_connected() => {}
            () = deliver.closed() => {}
        }
    });
    (endpoint, task)
}

/// The connection, owned by its task.
struct LocalConnection {
    endpoint: Arc<BackplaneEndpoint<LocalSendQueue>>,
    identity: Identity,
    authority: String,
    deliver: mpsc::Sender<Inbound>,
    queue: BoundedReceiver<Bytes>,
    leave: CancellationToken,
}

impl LocalConnection {
    async fn keep_connected(mut self) {
        let mut backoff = Backoff::default();
        while !self.leave.is_cancelled() {
            let began = Instant::now();
            let connected = self.connect_once().await;
            // Marked first: nothing is queued for the ended connection after the queue
            // is cleared.
            self.endpoint.mark_disconnected();
            self.queue.clear();
            match connected {
                Ok(()) => backoff.record_disconnect(began.elapsed()),
                Err(error) => {
                    tracing::warn!(
                        broker = self.authority,
                        %error,
                        "cannot join the backplane; retrying"
                    );
                }
            }
            let leave = self.leave.clone();
            leave.run_until_cancelled(backoff.wait()).await;
        }
    }

    /// Connects and serves the connection until it ends. `Err` if it never joined.
    async fn connect_once(&mut self) -> io::Result<()> {
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(&self.authority)).await??;
        let (mut reader, mut writer) = protocol::framed(stream)?;
        self.send_hello(&mut writer).await?;
        let lease = match read_handshake_frame(&mut reader).await? {
            FromBroker::Welcome { lease_ms } => Duration::from_millis(lease_ms),
            FromBroker::Rejected { reason } => return Err(io::Error::other(reason)),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        let FromBroker::View(view) = read_handshake_frame(&mut reader).await? else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        tracing::info!(version = view.version, "joined the backplane");
        if self.endpoint.last_view().version > 0 {
            self.endpoint.traffic.count_reconnect();
        }
        // A subscription from before this line is in the endpoint's set, and one from
        // after it goes through the queue. One in between is in both, which is harmless.
        self.endpoint.apply_view(view);
        self.endpoint.resubscribe.notify_one();
        let active = ActiveConnection::new(&self.endpoint, lease);
        let ended = tokio::select! {
            ended = active.write_all(&mut self.queue, &mut writer, &self.leave) => ended,
            ended = active.read_all(&self.deliver, &mut reader) => ended,
        };
        if self.leave.is_cancelled() {
            // The kernel resets a socket that is closed with unread bytes, and the last
            // frames sent are lost with it. The broker closes once it has read them all.
            let _ = timeout(CLOSE_TIMEOUT, active.read_all(&self.deliver, &mut reader)).await;
        }
        match ended {
            Ok(()) => tracing::info!("left the backplane"),
            Err(error) => tracing::warn!(%error, "lost the backplane"),
        }
        Ok(())
    }

    async fn send_hello(&self, writer: &mut FrameWriter) -> io::Result<()> {
        let hello = ToBroker::Hello {
            protocol: PROTOCOL_VERSION,
            identity: self.identity.clone(),
            last_version: self.endpoint.last_view().version,
        };
        writer.send(encode_frame(&hello, &[])).await
    }
}

async fn read_handshake_frame(reader: &mut FrameReader) -> io::Result<FromBroker> {
    let frame = timeout(CONNECT_TIMEOUT, reader.next()).await?;
    let header = frame
        .transpose()?
        .and_then(|frame| decode_frame(&frame.freeze()));
    let (header, _) = header.ok_or(io::ErrorKind::InvalidData)?;
    Ok(header)
}
