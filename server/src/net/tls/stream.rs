//! TLS over TCP that holds no buffer while the connection is idle.
//!
//! Replaces tokio-rustls to save memory. The buffered connections of rustls and tokio-rustls
//! keep 4 KiB for the next record, which doubles the cost of an idle socket. The unbuffered
//! connections of rustls leave all buffers to the caller. [`TlsStream`] reads into a scratch
//! buffer, which all sockets of a runtime thread share, and keeps only an incomplete record.

use std::{
    cell::RefCell,
    io,
    os::fd::{AsRawFd, RawFd},
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

/// The size of the scratch buffer.
// More than the largest record with its header (RFC 8446, section 5.2), so that a full buffer
// always holds a complete record.
const SCRATCH_BYTES: usize = 20 * 1024;
/// The most bytes of plaintext in one record (RFC 8446, section 5.1).
const MAX_PLAINTEXT_BYTES: usize = 16 * 1024;
/// The space for the header and the tag of a record, and for a key update message before it.
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
    /// Decrypted bytes, which the caller reads in parts.
    plaintext: Vec<u8>,
    /// The length of the part of `plaintext` that the caller has read.
    plaintext_read: usize,
    /// Records that the kernel has not accepted.
    outgoing: Vec<u8>,
    /// Whether the peer has sent close_notify.
    peer_closed: bool,
}

/// The output that one call passes to the session, which encrypts it into records.
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
                // An error is ignored: the alert only carries the reason, and the connection
                // ends in any case.
                let _ = self.tcp.try_write(&self.outgoing);
                return Poll::Ready(Err(error));
            }
        }
    }

    /// Reads once and processes the complete records.
    fn poll_incoming(&mut self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let kept = self.incoming.len();
            // The kept bytes go to the front of the scratch buffer, and the read behind them.
            let split = scratch.split_at_mut_checked(kept);
            let Some((front, space)) = split.filter(|(_, space)| !space.is_empty()) else {
                let error = "a TLS message is too long";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
            };
            let mut space = ReadBuf::new(space);
            ready!(Pin::new(&mut self.tcp).poll_read(task, &mut space))?;
            let read = space.filled().len();
            if read == 0 {
                // The peer sent no close_notify, so an attacker may have cut the connection.
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            // Moved only now: a pending read has returned above, and the bytes must stay in
            // `incoming` then.
            front.copy_from_slice(&self.incoming);
            self.incoming = Vec::new();
            Poll::Ready(self.process_records(&mut scratch[..kept + read], TlsWrite::Nothing))
        })
    }

    /// Encrypts `output` into `outgoing`.
    fn encode_write(&mut self, output: TlsWrite<'_>) -> io::Result<()> {
        // Taken, because `process_records` stores the incomplete rest there again.
        let mut incoming = std::mem::take(&mut self.incoming);
        self.process_records(&mut incoming, output)
    }

    /// Decrypts the complete records in `bytes`, keeps the incomplete rest, and encrypts
    /// `output`.
    fn process_records(&mut self, bytes: &mut [u8], mut output: TlsWrite<'_>) -> io::Result<()> {
        let mut consumed = 0;
        let mut failed = None;
        loop {
            let UnbufferedStatus { mut discard, state } =
                self.session.process_tls_records(&mut bytes[consumed..]);
            // Whether the loop ends: the session needs more input, is closed or has failed.
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
                // Counts as sent already: `outgoing` keeps the order of all records.
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::WriteTraffic(traffic)) => {
                    is_blocked = true;
                    let output = std::mem::replace(&mut output, TlsWrite::Nothing);
                    encode_records(traffic, output, &mut self.outgoing)?;
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
            consumed += discard;
            if is_blocked {
                break;
            }
        }
        // After the loop, because `state` borrows the session inside it.
        if let Some(error) = failed {
            self.encode_alert();
            return Err(tls_error(error));
        }
        self.incoming = bytes[consumed..].to_vec();
        Ok(())
    }

    /// Queues the alert for an error.
    fn encode_alert(&mut self) {
        let status = self.session.process_tls_records(&mut []);
        if let Ok(ConnectionState::EncodeTlsData(data)) = status.state {
            // An error is ignored: the connection ends in any case.
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

impl AsRawFd for TlsStream {
    fn as_raw_fd(&self) -> RawFd {
        self.tcp.as_raw_fd()
    }
}

impl Drop for TlsStream {
    /// Sends close_notify, without waiting for a peer that does not read.
    fn drop(&mut self) {
        // Otherwise a peer cannot tell the end from a truncation attack (RFC 8446, section 6.1).
        // A failed handshake has sent its alert.
        if !self.session.is_handshaking() {
            // Errors are ignored: the socket is closed next, with or without the record.
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
        let unread = &this.plaintext[this.plaintext_read..];
        let length = unread.len().min(buffer.remaining());
        buffer.put_slice(&unread[..length]);
        this.plaintext_read += length;
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
        // At most one record waits in `outgoing`, so that a slow reader also slows the sender.
        ready!(this.poll_outgoing(task))?;
        let text = &bytes[..bytes.len().min(MAX_PLAINTEXT_BYTES)];
        this.encode_write(TlsWrite::Plaintext(text))?;
        // If the write is pending, the bytes still count as written: `poll_flush` writes them.
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
        // Called again while it is pending. The session encodes close_notify only once.
        this.encode_write(TlsWrite::CloseNotify)?;
        ready!(this.poll_outgoing(task))?;
        Pin::new(&mut this.tcp).poll_shutdown(task)
    }
}

/// Appends the handshake message or alert that the session has ready.
fn encode_message<D>(mut data: EncodeTlsData<'_, D>, outgoing: &mut Vec<u8>) -> io::Result<()> {
    append(outgoing, RECORD_OVERHEAD_BYTES, |space| {
        data.encode(space).map_err(|error| match error {
            EncodeError::InsufficientSize(size) => Some(size.required_size),
            EncodeError::AlreadyEncoded => None,
        })
    })
}

/// Encrypts `output` and appends its records.
fn encode_records<D>(
    mut traffic: WriteTraffic<'_, D>,
    output: TlsWrite<'_>,
    outgoing: &mut Vec<u8>,
) -> io::Result<()> {
    let required_size = |error| match error {
        EncryptError::InsufficientSize(size) => Some(size.required_size),
        EncryptError::EncryptExhausted => None,
    };
    match output {
        TlsWrite::Nothing => Ok(()),
        TlsWrite::Plaintext(text) => {
            append(outgoing, text.len() + RECORD_OVERHEAD_BYTES, |space| {
                traffic.encrypt(text, space).map_err(required_size)
            })
        }
        TlsWrite::CloseNotify => append(outgoing, RECORD_OVERHEAD_BYTES, |space| {
            traffic.queue_close_notify(space).map_err(required_size)
        }),
    }
}

/// Appends the bytes that `fill` writes into a slice of `space` bytes. The error of `fill` is
/// the space that it needs, or `None` if it cannot write at all.
fn append(
    outgoing: &mut Vec<u8>,
    mut space: usize,
    mut fill: impl FnMut(&mut [u8]) -> Result<usize, Option<usize>>,
) -> io::Result<()> {
    let end = outgoing.len();
    loop {
        outgoing.resize(end + space, 0);
        match fill(&mut outgoing[end..]) {
            Ok(written) => {
                outgoing.truncate(end + written);
                return Ok(());
            }
            Err(Some(needed)) if needed > space => space = needed,
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
