//! The time for which the last bytes of a peer have waited in this machine.
//!
//! A busy process cannot measure it by its own clock: a request waits in the accept queue and in
//! the socket before the process learns of it. The kernel knows when it came. What the client or
//! the network delays is not part of it.

use std::{
    io, mem,
    os::fd::{AsRawFd, RawFd},
    time::Duration,
};

use nix::libc;
use tokio_util::either::Either;

use crate::net::stream::MaybeTlsStream;

/// The time that a request had waited when the process read it. Upgrades carry it as an
/// extension.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReceiveDelay(pub(crate) Duration);

/// The socket of an open connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReceiveSocket(RawFd);

impl ReceiveSocket {
    pub(super) fn of(stream: &MaybeTlsStream) -> Self {
        Self(match stream {
            Either::Left(stream) => stream.as_raw_fd(),
            Either::Right(stream) => stream.as_raw_fd(),
        })
    }

    /// Returns the time since the kernel received the peer's last bytes. Call it while the
    /// connection is open.
    pub(super) fn delay(self) -> io::Result<ReceiveDelay> {
        // SAFETY: the structure is plain numbers, for which zeros are valid.
        #[expect(unsafe_code, reason = "nix has no function for it")]
        let mut info: libc::tcp_info = unsafe { mem::zeroed() };
        let mut length = mem::size_of_val(&info) as libc::socklen_t;
        // SAFETY: the kernel writes at most `length` bytes, which `info` has. If the descriptor
        // were closed or another file, the call would fail or read another socket's figures.
        #[expect(unsafe_code, reason = "nix has no function for it")]
        let result = unsafe {
            libc::getsockopt(
                self.0,
                libc::IPPROTO_TCP,
                libc::TCP_INFO,
                (&raw mut info).cast(),
                &raw mut length,
            )
        };
        match result {
            0 => Ok(ReceiveDelay(Duration::from_millis(
                info.tcpi_last_data_recv.into(),
            ))),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::AsyncWriteExt,
        net::{TcpListener, TcpStream},
        time::{Instant, sleep},
    };

    use super::*;

    #[tokio::test]
    async fn delay_counts_from_the_last_bytes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let server = Either::Left(listener.accept().await.unwrap().0);
        let socket = ReceiveSocket::of(&server);
        // Silence of the client does not count once its bytes arrive.
        sleep(Duration::from_millis(600)).await;
        client.write_all(b"request").await.unwrap();
        let sent = Instant::now();
        let Either::Left(stream) = &server else {
            unreachable!()
        };
        stream.readable().await.unwrap();
        let soon = socket.delay().unwrap().0;
        assert!(
            soon <= sent.elapsed() + Duration::from_millis(20),
            "{soon:?}"
        );
        // The server does not read, and the bytes wait.
        sleep(Duration::from_millis(300)).await;
        let later = socket.delay().unwrap().0;
        assert!(later >= Duration::from_millis(280), "{later:?}");
    }
}
