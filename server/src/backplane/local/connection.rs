//! The connection to the embedded broker.

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    active_connection::ActiveConnection,
    frames::FrameDecoder,
    handshake::{Claim, introduce},
    protocol::{self, FrameReader, FromBroker, ToBroker},
};
use crate::{
    backplane::{
        Member,
        endpoint::{BackplaneEndpoint, Outbound},
        envelope::{Envelope, decode_frame, encode_frame},
        lease::Lease,
        reconnect::{self, Connector, Joined, JoiningNode},
    },
    id::Topic,
    net::bounded_queue::BoundedReceiver,
};

/// The time for each step of connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The time that the broker gets, when the node leaves, to read the last frames.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Joins through the broker at `HOST:PORT`. Returns at once.
pub(in crate::backplane) fn join(authority: &str, node: JoiningNode) -> Joined {
    let connector = LocalConnector {
        authority: authority.to_owned(),
    };
    reconnect::join(connector, authority.to_owned(), node)
}

struct LocalConnector {
    authority: String,
}

impl Connector for LocalConnector {
    type Item = Bytes;
    type Error = io::Error;

    async fn connect_once(
        &mut self,
        node: &JoiningNode,
        endpoint: &BackplaneEndpoint<Bytes>,
        queue: &mut BoundedReceiver<Bytes>,
    ) -> io::Result<()> {
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(&self.authority)).await??;
        let (mut reader, mut writer) = protocol::framed(stream, FrameDecoder::of_peer())?;
        // A restarted broker goes above this version.
        let last_version = endpoint.last_view().version;
        let claim = Claim::Member {
            identity: node.identity.clone(),
            last_version,
        };
        // The broker counts from the join, and its first view may come later.
        let join_sent = Instant::now();
        introduce(&mut reader, &mut writer, &claim, node.secret.as_ref()).await?;
        let lease = match read_handshake_frame(&mut reader).await? {
            FromBroker::Welcome { lease_ms } => Duration::from_millis(lease_ms),
            FromBroker::Rejected { reason } => return Err(io::Error::other(reason)),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        // The view comes before every message, so each message has its sender in a view.
        let view = loop {
            match read_handshake_frame(&mut reader).await? {
                FromBroker::View(view) => break view,
                // The view may wait for the end of a window.
                FromBroker::Ping => {}
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        };
        protocol::check_version(&view)?;
        tracing::info!(version = view.version, "joined the backplane");
        if last_version > 0 {
            endpoint.traffic.reconnects.add(1);
        }
        // A subscription from before this line is in the endpoint's set, and one from
        // after it goes through the queue. One in between is in both, which is harmless.
        endpoint.apply_view(view);
        endpoint.resubscribe.notify_one();
        let active = ActiveConnection::new(endpoint, Lease::since(lease, join_sent));
        let ended = tokio::select! {
            ended = active.write_all(queue, &mut writer, &node.leave) => ended,
            ended = active.read_all(&node.deliver, &mut reader) => ended,
        };
        if node.leave.is_cancelled() {
            // The kernel resets a socket that is closed with unread bytes, and the last
            // frames sent are lost with it. The broker closes once it has read them all.
            let _ = timeout(CLOSE_TIMEOUT, active.read_all(&node.deliver, &mut reader)).await;
        }
        match ended {
            Ok(()) => tracing::info!("left the backplane"),
            Err(error) => tracing::warn!(%error, "lost the backplane; reconnecting"),
        }
        Ok(())
    }
}

async fn read_handshake_frame(reader: &mut FrameReader) -> io::Result<FromBroker> {
    let frame = timeout(CONNECT_TIMEOUT, reader.next()).await?.transpose()?;
    let header = frame.and_then(|frame| decode_frame(&frame.freeze()));
    let (header, _) = header.ok_or(io::ErrorKind::InvalidData)?;
    Ok(header)
}

/// A frame to the embedded broker.
impl Outbound for Bytes {
    // The broker names the sender: it knows the connection that a frame comes from.
    fn unicast(_: &Member, to: &Member, envelope: &Envelope, payload: &[u8]) -> Self {
        let header = ToBroker::Unicast {
            to: to.id.clone(),
            generation: to.generation,
        };
        encode_frame(&header, &encode_frame(envelope, payload))
    }

    fn publish(_: &Member, topic: &Topic, payload: &[u8]) -> Self {
        let topic = topic.clone();
        encode_frame(&ToBroker::Publish { topic }, payload)
    }

    fn subscription(topic: &Topic, is_wanted: bool) -> Self {
        let topic = topic.clone();
        let header = match is_wanted {
            true => ToBroker::Subscribe { topic },
            false => ToBroker::Unsubscribe { topic },
        };
        encode_frame(&header, &[])
    }

    fn traffic_bytes(&self) -> usize {
        self.len()
    }
}
