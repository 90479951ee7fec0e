//! TLS over TCP that holds no buffer while nothing is under way.
//!
//! Written here for its memory: the buffered connections of rustls and tokio-rustls keep 4 KiB
//! for the next record, which doubles the cost of an idle socket. The unbuffered ones leave
//! buffers to the caller. This one reads into scratch that the sockets of a runtime worker
//! share, and keeps only an incomplete record.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::rustls::{
    self, ServerConfig,
    server::UnbufferedServerConnection,
    unbuffered::{
        ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
    },
};

/// Bytes of one read.
// More than the largest record with its header (RFC 8446, section 5.2), so that a full buffer
// always holds a complete record.
const SCRATCH_BYTES: usize = 20 * 1024;
/// Most plaintext of one record (RFC 8446, section 5.1).
const MAX_PLAINTEXT_BYTES: usize = 16 * 1024;
/// Bytes that a record adds to its plaintext, with a key update before it.
const RECORD_OVERHEAD_BYTES: usize = 256;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// The server's side of a TLS connection.
pub(crate) struct TlsStream {
    tcp: TcpStream,
    session: UnbufferedServerConnection,
    /// The beginning of an incomplete record.
    incoming: Vec<u8>,
    /// Decrypted bytes that the caller has not read, and the length of the part that it has.
    plaintext: Vec<u8>,
    plaintext_read: usize,
    /// Records that the kernel has not accepted.
    outgoing: Vec<u8>,
    /// Whether the peer has sent close_notify.
    peer_closed: bool,
}

/// Output that waits until the session can write records.
enum TlsWrite<'a> {
    Nothing,
    Plaintext(&'a [u8]),
    CloseNotify,
}

impl TlsStream {
    /// Runs the handshake with a client.
    pub(super) async fn accept(tcp: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        let session = UnbufferedServerConnection::new(config).map_err(io::Error::other)?;
        let mut stream = Self {
            tcp,
            session,
            incoming: Vec::new(),
            plaintext: Vec::new(),
            plaintext_read: 0,
            outgoing: Vec::new(),
            peer_closed: false,
        };
        std::future::poll_fn(|task| stream.poll_handshake(task)).await?;
        Ok(stream)
    }

    fn poll_handshake(&mut self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_outgoing(task))?;
            if !self.session.is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            if self.peer_closed {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            if let Err(error) = ready!(self.poll_incoming(task)) {
                // Best effort: the alert gives the reason, and the connection ends in any
                // case.
                let _ = self.tcp.try_write(&self.outgoing);
                return Poll::Ready(Err(error));
            }
        }
    }

    /// Reads once and processes the complete records.
    fn poll_incoming(&mut self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let kept = self.incoming.len();
            let split = scratch.split_at_mut_checked(kept);
            let Some((before, room)) = split.filter(|(_, room)| !room.is_empty()) else {
                let error = "a TLS message is too long";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
            };
            let mut room = ReadBuf::new(room);
            ready!(Pin::new(&mut self.tcp).poll_read(task, &mut room))?;
            let read = room.filled().len();
            if read == 0 {
                // The peer sent no close_notify, so an attacker may have cut the connection.
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            // Not before the read: a pending one has returned, and the record must stay.
            before.copy_from_slice(&self.incoming);
            self.incoming = Vec::new();
            Poll::Ready(self.process_records(&mut scratch[..kept + read], TlsWrite::Nothing))
        })
    }

    fn encode_write(&mut self, op: TlsWrite<'_>) -> io::Result<()> {
        let mut incoming = std::mem::take(&mut self.incoming);
        self.process_records(&mut incoming, op)
    }

    /// Decrypts complete records and encrypts `op`. The incomplete rest is kept.
    fn process_records(&mut self, bytes: &mut [u8], mut op: TlsWrite<'_>) -> io::Result<()> {
        let mut from = 0;
        let mut failed = None;
        loop {
            let UnbufferedStatus { mut discard, state } =
                self.session.process_tls_records(&mut bytes[from..]);
            let mut is_blocked = false;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record.map_err(tls_error)?;
                        discard += record.discard;
                        self.plaintext.extend_from_slice(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(data)) => {
                    encode_message(data, &mut self.outgoing)?;
                }
                // The pending bytes in `outgoing` are written in order with the rest.
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::WriteTraffic(traffic)) => {
                    is_blocked = true;
                    let op = std::mem::replace(&mut op, TlsWrite::Nothing);
                    encode_records(traffic, op, &mut self.outgoing)?;
                }
                Ok(ConnectionState::PeerClosed) => self.peer_closed = true,
                Ok(ConnectionState::Closed) => {
                    self.peer_closed = true;
                    is_blocked = true;
                }
                Ok(_) => is_blocked = true,
                Err(error) => {
                    failed = Some(error);
                    is_blocked = true;
                }
            }
            from += discard;
            if is_blocked {
                break;
            }
        }
        // Outside the loop: the state of the last round borrows the session until it is dropped.
        if let Some(error) = failed {
            self.encode_alert();
            return Err(tls_error(error));
        }
        self.incoming = bytes[from..].to_vec();
        Ok(())
    }

    /// Queues the alert for an error.
    fn encode_alert(&mut self) {
        let status = self.session.process_tls_records(&mut []);
        if let Ok(ConnectionState::EncodeTlsData(data)) = status.state {
            // Best effort: the connection ends with the error in any case.
            let _ = encode_message(data, &mut self.outgoing);
        }
    }

    /// Writes records until none is left.
    fn poll_outgoing(&mut self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            match ready!(Pin::new(&mut self.tcp).poll_write(task, &self.outgoing))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                // A new vector, because an idle connection must not keep the capacity.
                written if written == self.outgoing.len() => self.outgoing = Vec::new(),
                written => drop(self.outgoing.drain(..written)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for TlsStream {
    /// Sends close_notify, without waiting for a peer that does not read.
    fn drop(&mut self) {
        // Otherwise a peer cannot tell the end from a truncation attack (RFC 8446, section 6.1).
        // A failed handshake has sent its alert.
        if !self.session.is_handshaking() {
            let _ = self.encode_write(TlsWrite::CloseNotify);
            let _ = self.tcp.try_write(&self.outgoing);
        }
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.plaintext.is_empty() && !this.peer_closed {
            ready!(this.poll_incoming(task))?;
        }
        let left = &this.plaintext[this.plaintext_read..];
        let part = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..part]);
        this.plaintext_read += part;
        if this.plaintext_read == this.plaintext.len() {
            this.plaintext = Vec::new();
            this.plaintext_read = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // At most one record waits here, so that a peer that does not read slows the writer.
        ready!(this.poll_outgoing(task))?;
        let text = &bytes[..bytes.len().min(MAX_PLAINTEXT_BYTES)];
        this.encode_write(TlsWrite::Plaintext(text))?;
        // Pending counts as written: the record is queued, and `poll_flush` writes it.
        if let Poll::Ready(written) = this.poll_outgoing(task) {
            written?;
        }
        Poll::Ready(Ok(text.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_outgoing(task)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // May be called again: the session sends close_notify once.
        this.encode_write(TlsWrite::CloseNotify)?;
        ready!(this.poll_outgoing(task))?;
        Pin::new(&mut this.tcp).poll_shutdown(task)
    }
}

fn encode_message<D>(mut data: EncodeTlsData<'_, D>, outgoing: &mut Vec<u8>) -> io::Result<()> {
    append(outgoing, RECORD_OVERHEAD_BYTES, |room| {
        data.encode(room).map_err(|error| match error {
            EncodeError::InsufficientSize(short) => Some(short.required_size),
            EncodeError::AlreadyEncoded => None,
        })
    })
}

fn encode_records<D>(
    mut traffic: WriteTraffic<'_, D>,
    op: TlsWrite<'_>,
    outgoing: &mut Vec<u8>,
) -> io::Result<()> {
    let short = |error| match error {
        EncryptError::InsufficientSize(short) => Some(short.required_size),
        EncryptError::EncryptExhausted => None,
    };
    match op {
        TlsWrite::Nothing => Ok(()),
        TlsWrite::Plaintext(text) => append(outgoing, text.len() + RECORD_OVERHEAD_BYTES, |room| {
            traffic.encrypt(text, room).map_err(short)
        }),
        TlsWrite::CloseNotify => append(outgoing, RECORD_OVERHEAD_BYTES, |room| {
            traffic.queue_close_notify(room).map_err(short)
        }),
    }
}

/// Appends the bytes that `fill` writes into a slice of `room` bytes. The error of `fill` is the
/// room that it needs, or `None` if it cannot write at all.
fn append(
    outgoing: &mut Vec<u8>,
    mut room: usize,
    mut fill: impl FnMut(&mut [u8]) -> Result<usize, Option<usize>>,
) -> io::Result<()> {
    let end = outgoing.len();
    loop {
        outgoing.resize(end + room, 0);
        match fill(&mut outgoing[end..]) {
            Ok(written) => {
                outgoing.truncate(end + written);
                return Ok(());
            }
            Err(Some(needed)) if needed > room => room = needed,
            Err(_) => {
                outgoing.truncate(end);
                return Err(io::Error::other("the TLS session cannot write any more"));
            }
        }
    }
}

fn tls_error(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
