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

/// Longest message, in bytes. An interval of a busy worker has some tens of kilobytes, a
/// plan with a thousand events some hundreds.
const MESSAGE_LIMIT: usize = 8 << 20;
/// Longest message of a peer that has not shown the run's token yet, in bytes: it must
/// not make the coordinator allocate.
const UNAUTHENTICATED_LIMIT: usize = 4 << 10;
/// Time without any packet of the other machine after which the link counts as broken. The
/// kernel of a stopped process still answers, so that stopping breaks no link.
const PEER_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection that sends `S` and receives `R`.
pub struct ControlLink<S, R> {
    /// The receiving half.
    pub reader: LinkReader<R>,
    /// The sending half.
    pub writer: LinkWriter<S>,
}

/// The receiving half of a [`ControlLink`].
pub struct LinkReader<R> {
    frames: FramedRead<OwnedReadHalf, LengthDelimitedCodec>,
    receives: PhantomData<fn() -> R>,
}

/// The sending half of a [`ControlLink`].
pub struct LinkWriter<S> {
    frames: FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>,
    sends: PhantomData<fn(S)>,
}

/// The reason why a link ended.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The peer closed the link.
    #[error("the peer closed the control link")]
    Closed,
    /// The connection broke.
    #[error("the control link broke")]
    Io(#[from] io::Error),
    /// A worker's part in a run over the bus ended.
    #[error("{0}")]
    Ended(String),
    /// The peer sent bytes that are not a message.
    #[error("invalid message on the control link")]
    Message(#[from] serde_json::Error),
}

impl<S: Serialize, R: DeserializeOwned> ControlLink<S, R> {
    /// Creates a link over `stream` to a trusted peer.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        let mut link = Self::unauthenticated(stream)?;
        link.reader.raise_frame_limit();
        Ok(link)
    }

    /// Creates a link over `stream` to a peer that has not shown the token: its messages
    /// must be short.
    pub fn unauthenticated(stream: TcpStream) -> io::Result<Self> {
        // Phases are announced only two seconds ahead.
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
    /// Allows long messages, once the peer has shown the token.
    pub fn raise_frame_limit(&mut self) {
        let codec = self.frames.decoder_mut();
        codec.set_max_frame_length(MESSAGE_LIMIT);
    }

    /// Receives the next message. Dropping the future loses no bytes.
    pub async fn receive(&mut self) -> Result<R, LinkError> {
        let frame = self.frames.next().await.ok_or(LinkError::Closed)??;
        Ok(serde_json::from_slice(&frame)?)
    }
}

impl<S: Serialize> LinkWriter<S> {
    /// Sends a message and waits until the kernel has it.
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

/// Has the kernel watch the link: a machine that is gone sends not even a reset.
fn enable_keepalive(stream: &TcpStream) -> io::Result<()> {
    // Three probes fit into the timeout.
    let between = PEER_TIMEOUT.as_secs() as u32 / 3;
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    setsockopt(stream, sockopt::TcpKeepIdle, &between)?;
    setsockopt(stream, sockopt::TcpKeepInterval, &between)?;
    // Keep-alive alone does not cover a link with unacknowledged data.
    let timeout_ms = PEER_TIMEOUT.as_millis() as u32;
    setsockopt(stream, sockopt::TcpUserTimeout, &timeout_ms)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (connected, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        (connected.expect("connected"), accepted.expect("accepted").0)
    }

    #[tokio::test]
    async fn long_message_breaks_the_link_until_the_peer_is_trusted() {
        let long = "x".repeat(UNAUTHENTICATED_LIMIT + 1);
        for trusted in [false, true] {
            let (near, far) = pair().await;
            let mut receiver =
                ControlLink::<String, String>::unauthenticated(near).expect("a link");
            let mut sender = ControlLink::<String, String>::new(far).expect("a link");
            sender.writer.send(&"hello".to_owned()).await.expect("sent");
            assert_eq!(receiver.reader.receive().await.expect("short"), "hello");
            if trusted {
                receiver.reader.raise_frame_limit();
            }
            sender.writer.send(&long).await.expect("sent");
            match receiver.reader.receive().await {
                Ok(text) => assert!(trusted && text == long),
                Err(error) => assert!(!trusted && matches!(error, LinkError::Io(_)), "{error}"),
            }
        }
    }

    #[tokio::test]
    async fn link_has_keepalive_and_a_user_timeout() {
        let (stream, _peer) = pair().await;
        enable_keepalive(&stream).expect("set");
        let timeout = nix::sys::socket::getsockopt(&stream, sockopt::TcpUserTimeout);
        assert_eq!(timeout.expect("read"), 30_000);
        let keepalive = nix::sys::socket::getsockopt(&stream, sockopt::KeepAlive);
        assert!(keepalive.expect("read"));
    }
}
