//! One connection between coordinator and worker.

use std::{io, marker::PhantomData, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use nix::sys::socket::{setsockopt, sockopt};
use serde::{Serialize, de::DeserializeOwned};
use tokio::net::{
    TcpStream,
    tcp::{OwnedReadHalf, OwnedWriteHalf},
};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

/// Longest message in bytes: an interval of a busy worker has some tens of
/// kilobytes, a plan with a thousand events some hundreds.
const MESSAGE_LIMIT: usize = 8 << 20;
/// The same from somebody who has not shown the run's token yet.
const UNAUTHENTICATED_LIMIT: usize = 4 << 10;
/// How long the other machine may say nothing to the kernel before the link counts as
/// broken; a process that is stopped does not count as silent.
const PEER_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection that sends `S` and receives `R`.
pub struct ControlLink<S, R> {
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

impl<S: Serialize, R: DeserializeOwned> ControlLink<S, R> {
    /// Speaks over `stream`, with somebody who is known.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        let mut link = Self::unauthenticated(stream)?;
        link.reader.raise_frame_limit();
        Ok(link)
    }

    /// Speaks over `stream`; what comes has to be short until it is trusted.
    pub fn unauthenticated(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        enable_keepalive(&stream)?;
        let (read, write) = stream.into_split();
        Ok(Self {
            reader: LinkReader {
                frames: FramedRead::new(read, codec(UNAUTHENTICATED_LIMIT)),
                receives: PhantomData,
            },
            writer: LinkWriter {
                frames: FramedWrite::new(write, codec(MESSAGE_LIMIT)),
                sends: PhantomData,
            },
        })
    }
}

impl<R: DeserializeOwned> LinkReader<R> {
    /// From now on messages may be as long as any.
    pub fn raise_frame_limit(&mut self) {
        let codec = self.frames.decoder_mut();
        codec.set_max_frame_length(MESSAGE_LIMIT);
    }

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

fn codec(limit: usize) -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .max_frame_length(limit)
        .new_codec()
}

/// A machine that is gone says nothing any more, not even that the link has ended.
fn enable_keepalive(stream: &TcpStream) -> io::Result<()> {
    let between = PEER_TIMEOUT.as_secs() as u32 / 3;
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    setsockopt(stream, sockopt::TcpKeepIdle, &between)?;
    setsockopt(stream, sockopt::TcpKeepInterval, &between)?;
    let silence = PEER_TIMEOUT.as_millis() as u32;
    setsockopt(stream, sockopt::TcpUserTimeout, &silence)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (one, other) = tokio::join!(TcpStream::connect(address), listener.accept());
        (one.expect("connected"), other.expect("accepted").0)
    }

    #[tokio::test]
    async fn a_stranger_is_brief_and_a_friend_need_not_be() {
        let long = "x".repeat(UNAUTHENTICATED_LIMIT + 1);
        for trusted in [false, true] {
            let (one, other) = pair().await;
            let mut here = ControlLink::<String, String>::unauthenticated(one).expect("a link");
            let mut there = ControlLink::<String, String>::new(other).expect("a link");
            there.writer.send(&"hello".to_owned()).await.expect("sent");
            assert_eq!(here.reader.receive().await.expect("short"), "hello");
            if trusted {
                here.reader.raise_frame_limit();
            }
            there.writer.send(&long).await.expect("sent");
            match here.reader.receive().await {
                Ok(text) => assert!(trusted && text == long),
                Err(error) => assert!(!trusted && matches!(error, LinkError::Io(_)), "{error}"),
            }
        }
    }

    #[tokio::test]
    async fn the_kernel_watches_over_a_link() {
        let (one, _other) = pair().await;
        enable_keepalive(&one).expect("set");
        let timeout = nix::sys::socket::getsockopt(&one, sockopt::TcpUserTimeout);
        assert_eq!(timeout.expect("read"), 30_000);
        let watched = nix::sys::socket::getsockopt(&one, sockopt::KeepAlive);
        assert!(watched.expect("read"));
    }
}
