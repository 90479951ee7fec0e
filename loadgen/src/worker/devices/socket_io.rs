//! Single frames of an open socket: sent, and closed with.

use std::time::Duration;

use highwater_types::format;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use super::{
    disconnect::{Disconnect, DisconnectKind},
    upgrade::DeviceSocket,
};
use crate::worker::observer::{SocketEvent, observe};

/// Longest time that the server may take to answer a close frame, or to take a reply or a
/// subscription.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Writes one frame. A peer that takes nothing for `write_timeout` counts as lost.
pub async fn send_frame(
    socket: &mut DeviceSocket,
    frame: Message,
    write_timeout: Duration,
) -> Result<(), Disconnect> {
    observe(|| SocketEvent::Sent(&frame));
    match timeout(write_timeout, socket.send(frame)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err((&error).into()),
        Err(_) => {
            let error = format!("took no frame for {}", format::duration(write_timeout));
            Err(Disconnect::with_error(DisconnectKind::Reset, error))
        }
    }
}

/// Sends a close frame, with this code if there is one.
pub async fn send_close(socket: &mut DeviceSocket, code: Option<CloseCode>) {
    let frame = code.map(|code| CloseFrame {
        code,
        reason: Default::default(),
    });
    observe(|| SocketEvent::Closing);
    // A peer that does not take the frame any more gets the TCP close alone.
    let _ = timeout(CLOSE_TIMEOUT, socket.close(frame)).await;
}

/// Answers a close frame of the server. Returns the cause of the socket's end.
pub async fn answer_close(socket: &mut DeviceSocket, frame: Option<CloseFrame>) -> Disconnect {
    // RFC 6455, section 7.1.5: a close frame without a code counts as 1005.
    let code = frame.as_ref().map_or(CloseCode::Status, |frame| frame.code);
    // tungstenite has queued the answer, which this flush sends. A peer that does not take it
    // has ended the socket all the same.
    let _ = timeout(CLOSE_TIMEOUT, socket.flush()).await;
    Disconnect::closed(code.into(), frame)
}
