//! The protocol of the embedded broker: length-prefixed frames, each with a postcard
//! header before an opaque payload. A connection begins with the [`handshake`](super::handshake).

use std::io;

use bytes::Bytes;
use futures_util::SinkExt;
use serde::{Deserialize, Serialize};
use tokio::net::{
    TcpStream,
    tcp::{OwnedReadHalf, OwnedWriteHalf},
};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use super::frames::{FrameDecoder, MAX_FRAME_BYTES};
use crate::{
    backplane::View,
    clock::is_plausible_version,
    id::{NodeId, Topic},
};

/// The version of the protocol, which both ends must have in common.
pub(crate) const PROTOCOL_VERSION: u16 = 6;

/// A frame from a member to the broker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToBroker {
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
}

/// A frame from the broker to a member.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromBroker {
    /// The member may not join; the connection ends.
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

pub(crate) type FrameReader = FramedRead<OwnedReadHalf, FrameDecoder>;
pub(crate) type FrameWriter = FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>;

/// Splits a stream into a reader and a writer of frames of bounded length.
pub(crate) fn framed(
    stream: TcpStream,
    decoder: FrameDecoder,
) -> io::Result<(FrameReader, FrameWriter)> {
    // Frames are written in batches, so Nagle's algorithm would only delay them.
    stream.set_nodelay(true)?;
    let encoder = LengthDelimitedCodec::builder()
        .max_frame_length(MAX_FRAME_BYTES)
        .new_codec();
    let (read, write) = stream.into_split();
    Ok((
        FramedRead::new(read, decoder),
        FramedWrite::new(write, encoder),
    ))
}

/// Checks that the version of a view can be right.
///
/// A node that applied a version of the far future could join no other broker for years.
pub(crate) fn check_version(view: &View) -> io::Result<()> {
    let version = view.version;
    match is_plausible_version(version) {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "invalid view version {version} of the broker: it lies more than a day ahead of \
             this machine's clock; hint: set the clocks of both machines"
        ))),
    }
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
