//! One connection between coordinator and worker.

use std::{io, marker::PhantomData};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde::{Serialize, de::DeserializeOwned};
use tokio::net::{
    TcpStream,
    tcp::{OwnedReadHalf, OwnedWriteHalf},
};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

/// Longest message in bytes: an interval of a busy worker has some tens of
/// kilobytes, a plan with a thousand events some hundreds.
const MESSAGE_LIMIT: usize = 8 << 20;

/// A connection that sends `S` and receives `R`.
pub struct Link<S, R> {
    /// The receiving half.
    pub reader: LinkReader<R>,
    /// The sending half.
    pub writer: LinkWriter<S>,
}

/// The receiving half of a [`Link`].
pub struct LinkReader<R> {
    frames: FramedRead<OwnedReadHalf, LengthDelimitedCodec>,
    receives: PhantomData<fn() -> R>,
}

/// The sending half of a [`Link`].
pub struct LinkWriter<S> {
    frames: FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>,
    sends: PhantomData<fn(S)>,
}

/// Why a link ended.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The other side closed it.
    #[error("the other side closed the control link")]
    Closed,
    /// It broke.
    #[error("the control link broke")]
    Io(#[from] io::Error),
    /// Not a message of this protocol.
    #[error("the control link carried something that is not one of its messages")]
    Message(#[from] serde_json::Error),
}

impl<S: Serialize, R: DeserializeOwned> Link<S, R> {
    /// Speaks over `stream`.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        Ok(Self {
            reader: LinkReader {
                frames: FramedRead::new(read, codec()),
                receives: PhantomData,
            },
            writer: LinkWriter {
                frames: FramedWrite::new(write, codec()),
                sends: PhantomData,
            },
        })
    }
}

impl<R: DeserializeOwned> LinkReader<R> {
    /// The next message. Dropping the future loses nothing.
    pub async fn receive(&mut self) -> Result<R, LinkError> {
        let frame = self.frames.next().await.ok_or(LinkError::Closed)??;
        Ok(serde_json::from_slice(&frame)?)
    }
}

impl<S: Serialize> LinkWriter<S> {
    /// Sends `message` at once.
    pub async fn send(&mut self, message: &S) -> Result<(), LinkError> {
        let frame = Bytes::from(serde_json::to_vec(message)?);
        Ok(self.frames.send(frame).await?)
    }
}

fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .max_frame_length(MESSAGE_LIMIT)
        .new_codec()
}
