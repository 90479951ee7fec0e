//! One connection to a broker.

use std::{io, ops::ControlFlow, time::Duration};

use bytes::Bytes;
use highwater_stomp::{
    Command, Connect, Connected, DecodeError, Decoded, Decoder, Frame, HEART_BEAT,
    HeartBeatIntervals, Limits, Version, header,
};
use highwater_types::ServerAddress;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{error::Elapsed, timeout},
};

use crate::net::bounded_queue::{BoundedReceiver, BoundedSender};

/// The time for the TCP connection and for CONNECTED, each.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
/// The time for which the broker may accept no byte.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// The time without a byte after which the broker is lost, in intervals of its heart-beats.
const MISSED_INTERVALS: u32 = 2;
/// The bytes of one read.
const READ_BYTES: usize = 16 * 1024;

/// The frames of a session on their way to the broker.
pub(crate) type ToBroker = BoundedSender<Bytes>;

/// An open connection.
pub(super) struct BrokerConnection {
    stream: TcpStream,
    decoder: Decoder,
    pub(super) connected: Connected,
    heart_beats: HeartBeatIntervals,
}

/// The reason why a connection did not open.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("cannot connect: {0}")]
    Io(#[from] io::Error),
    #[error("no answer in time")]
    TimedOut(#[from] Elapsed),
    #[error("cannot read its answer: {0}")]
    Decode(#[from] DecodeError),
    /// The broker answered with an ERROR.
    #[error("it refuses the session: {0}")]
    Refused(String),
    #[error("it answered with {0} instead of CONNECTED")]
    Unexpected(Command),
    #[error("it closed the connection")]
    Closed,
    #[error("its answer has an {0}")]
    InvalidHeader(#[from] highwater_stomp::InvalidHeader),
    #[error("{0}")]
    Encode(#[from] highwater_stomp::EncodeError),
}

/// The end of a connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionEnd {
    /// This node has ended it.
    #[error("closed by this node")]
    Done,
    #[error("the broker closed the connection")]
    Closed,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the broker sent nothing for too long")]
    Silent,
    #[error("the broker accepted nothing for too long")]
    Blocked,
    #[error("the broker sent an invalid frame: {0}")]
    Decode(#[from] DecodeError),
}

impl BrokerConnection {
    /// Opens a connection to a server and logs in.
    pub(super) async fn open(
        server: &ServerAddress,
        connect: &Connect,
        limits: Limits,
    ) -> Result<Self, OpenError> {
        let target = (server.host().to_owned(), server.port());
        let stream = timeout(OPEN_TIMEOUT, TcpStream::connect(target)).await??;
        stream.set_nodelay(true)?;
        let mut opening = Self {
            stream,
            decoder: Decoder::new(limits),
            connected: Connected {
                version: Version::V1_2,
                session: None,
                server: None,
                heart_beat: connect.heart_beat,
            },
            heart_beats: HeartBeatIntervals::default(),
        };
        let answer = timeout(OPEN_TIMEOUT, opening.log_in(connect)).await??;
        match answer.command {
            Command::Connected => {}
            Command::Error => return Err(OpenError::Refused(error_text(&answer))),
            other => return Err(OpenError::Unexpected(other)),
        }
        opening.connected = Connected::from_frame(&answer)?;
        let version = opening.connected.version;
        opening.decoder.set_version(version);
        if version > Version::V1_0 {
            opening.heart_beats = connect.heart_beat.negotiate(opening.connected.heart_beat);
        }
        Ok(opening)
    }

    async fn log_in(&mut self, connect: &Connect) -> Result<Frame, OpenError> {
        let frame = connect.to_frame().encode(Version::V1_2)?;
        self.stream.write_all(&frame).await?;
        let mut input = vec![0; READ_BYTES];
        loop {
            let read = self.stream.read(&mut input).await?;
            if read == 0 {
                return Err(OpenError::Closed);
            }
            self.decoder.push(&input[..read]);
            while let Some(decoded) = self.decoder.next_frame()? {
                if let Decoded::Frame(frame) = decoded {
                    return Ok(frame);
                }
            }
        }
    }

    /// Passes frames in both directions until either end is done. `on_frame` gets each frame of
    /// the broker, and may end the connection. It also ends when all senders of `outbound` are
    /// gone, after the frames that they sent.
    pub(super) async fn run(
        self,
        outbound: BoundedReceiver<Bytes>,
        on_frame: impl FnMut(Frame) -> ControlFlow<()>,
    ) -> ConnectionEnd {
        let (read, write) = self.stream.into_split();
        let HeartBeatIntervals { send, receive } = self.heart_beats;
        let reading = read_frames(read, self.decoder, receive, on_frame);
        let writing = write_frames(write, outbound, send);
        tokio::select! {
            end = reading => end,
            end = writing => end,
        }
    }
}

async fn read_frames(
    mut stream: OwnedReadHalf,
    mut decoder: Decoder,
    interval: Option<Duration>,
    mut on_frame: impl FnMut(Frame) -> ControlFlow<()>,
) -> ConnectionEnd {
    let mut input = vec![0; READ_BYTES];
    loop {
        loop {
            match decoder.next_frame() {
                Ok(None) => break,
                Ok(Some(Decoded::HeartBeat)) => {}
                Ok(Some(Decoded::Frame(frame))) => {
                    if on_frame(frame).is_break() {
                        return ConnectionEnd::Done;
                    }
                }
                Err(error) => return error.into(),
            }
        }
        let reading = stream.read(&mut input);
        let read = match interval {
            None => reading.await,
            Some(interval) => match timeout(interval * MISSED_INTERVALS, reading).await {
                Ok(read) => read,
                Err(_) => return ConnectionEnd::Silent,
            },
        };
        match read {
            Ok(0) => return ConnectionEnd::Closed,
            Ok(read) => decoder.push(&input[..read]),
            Err(error) => return error.into(),
        }
    }
}

async fn write_frames(
    mut stream: OwnedWriteHalf,
    mut outbound: BoundedReceiver<Bytes>,
    interval: Option<Duration>,
) -> ConnectionEnd {
    loop {
        let next = match interval {
            None => outbound.recv().await,
            // Half of it, because a heart-beat must not be late.
            Some(interval) => match timeout(interval / 2, outbound.recv()).await {
                Ok(next) => next,
                Err(_) => Some(Bytes::from_static(HEART_BEAT)),
            },
        };
        let Some(bytes) = next else {
            // The end of the stream tells the broker. An error means that it is gone.
            let _ = stream.shutdown().await;
            return ConnectionEnd::Done;
        };
        match timeout(WRITE_TIMEOUT, stream.write_all(&bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.into(),
            Err(_) => return ConnectionEnd::Blocked,
        }
    }
}

/// Returns the text of an ERROR.
fn error_text(frame: &Frame) -> String {
    let message = frame.get(header::MESSAGE).unwrap_or_default();
    let body = String::from_utf8_lossy(&frame.body);
    match body.trim() {
        "" => message.to_owned(),
        body => format!("{message}: {body}"),
    }
}
