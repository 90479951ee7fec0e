//! The protocol of the embedded broker: length-prefixed frames, each with a postcard
//! header before an opaque payload.

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
    backplane::{Identity, MAX_PAYLOAD_BYTES, View},
    id::{ConsumerGroup, NodeId, Topic},
};

/// The version of the protocol, which both ends must have in common.
pub(crate) const PROTOCOL_VERSION: u16 = 4;

/// The bytes that a header or an envelope may add to a payload.
pub(crate) const HEADROOM_BYTES: usize = 1024;

/// A frame from a peer to the broker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToBroker {
    /// The first frame of a member. `last_version` is the last view that it has seen, so
    /// that versions keep growing when the broker restarts.
    Hello {
        protocol: u16,
        identity: Identity,
        last_version: u64,
    },
    /// The payload is for one node, if it still has this generation.
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
    /// The answer to a ping. Any other frame is a sign of life as well.
    Pong,
    /// The first frame of a node that sends telemetry. It names the consumer groups that
    /// the node knows. Its further frames are in `ingest::local_protocol`.
    Produce {
        protocol: u16,
        groups: Vec<ConsumerGroup>,
    },
    /// The first frame of a consumer of telemetry.
    Consume {
        protocol: u16,
        group: ConsumerGroup,
        name: String,
    },
}

/// A frame from the broker to a member.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromBroker {
    /// The peer may not join; the connection ends. It must stay the first variant: a
    /// producer and a consumer read it before they know their own frames.
    Rejected {
        reason: String,
    },
    /// The first frame: the node is a member, until it is silent for this lease.
    Welcome {
        lease_ms: u64,
    },
    /// The current members.
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

/// Splits a stream into a reader and a writer of frames of bounded length.
pub(crate) fn framed(stream: TcpStream) -> io::Result<(FrameReader, FrameWriter)> {
    // Frames are written in batches, so Nagle's algorithm would only delay them.
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

/// Writes frames and flushes once at the end.
pub(crate) async fn write_batch(
    writer: &mut FrameWriter,
    frames: impl IntoIterator<Item = Bytes>,
) -> io::Result<()> {
    // Fed, not sent: each send would be a write of its own to the kernel.
    for frame in frames {
        writer.feed(frame).await?;
    }
    SinkExt::<Bytes>::flush(writer).await
}
