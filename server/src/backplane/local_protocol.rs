//! The broker's protocol: length-prefixed frames, each a postcard header followed
//! by an opaque payload.

use std::io;

use bytes::Bytes;
use futures_util::SinkExt;
use serde::{Deserialize, Serialize};
use tokio::net::{
    TcpStream,
    tcp::{OwnedReadHalf, OwnedWriteHalf},
};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use crate::{
    backplane::{MAX_PAYLOAD_BYTES, MemberRole, View},
    id::{ConsumerGroup, NodeId, Topic},
};

/// Both ends must speak the same.
pub(crate) const PROTOCOL_VERSION: u16 = 4;

/// What headers and envelopes may add to a payload.
pub(crate) const HEADROOM_BYTES: usize = 1024;

/// Node to broker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToBroker {
    /// The first frame. `last_version` is the last view the node saw, so that
    /// versions keep growing when the broker restarts.
    Hello {
        protocol: u16,
        id: NodeId,
        incarnation: u64,
        address: Option<String>,
        role: MemberRole,
        last_version: u64,
    },
    /// The payload is for one node, in the seat of that number.
    Unicast {
        to: NodeId,
        generation: u64,
    },
    /// The payload is for every other subscriber.
    Publish {
        topic: Topic,
    },
    Subscribe {
        topic: Topic,
    },
    Unsubscribe {
        topic: Topic,
    },
    /// Answers a ping; any frame proves life as well.
    Pong,
    /// The first frame of a connection over which a node hands readings in; see
    /// [`work`](super::work). It names the groups that the node knows of.
    Produce {
        protocol: u16,
        groups: Vec<ConsumerGroup>,
    },
    /// The first frame of a consumer's connection.
    Consume {
        protocol: u16,
        group: ConsumerGroup,
        name: String,
    },
}

/// Broker to node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromBroker {
    /// The node may not join; the connection ends.
    Rejected {
        reason: String,
    },
    /// The first frame: the node is in, and is taken for dead when it is silent for
    /// that long.
    Welcome {
        lease_ms: u64,
    },
    /// The members now.
    View(View),
    Unicast {
        from: NodeId,
    },
    Published {
        topic: Topic,
    },
    Ping,
}

pub(crate) type FrameReader = FramedRead<OwnedReadHalf, LengthDelimitedCodec>;
pub(crate) type FrameWriter = FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>;

/// Frames over `stream`, bounded in length, without Nagle's delay.
pub(crate) fn framed(stream: TcpStream) -> io::Result<(FrameReader, FrameWriter)> {
    stream.set_nodelay(true)?;
    let codec = || {
        LengthDelimitedCodec::builder()
            .max_frame_length(MAX_PAYLOAD_BYTES + 4 * HEADROOM_BYTES)
            .new_codec()
    };
    let (read, write) = stream.into_split();
    Ok((
        FramedRead::new(read, codec()),
        FramedWrite::new(write, codec()),
    ))
}

/// Writes frames with one flush at the end.
pub(crate) async fn write_batch(
    writer: &mut FrameWriter,
    frames: impl IntoIterator<Item = Bytes>,
) -> io::Result<()> {
    for frame in frames {
        writer.feed(frame).await?;
    }
    SinkExt::<Bytes>::flush(writer).await
}
