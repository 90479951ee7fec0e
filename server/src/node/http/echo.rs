//! `GET /echo`: a WebSocket that returns each message. Conformance suites need one; it
//! reads and writes with the frame code of device sockets.

use std::{io, sync::Arc};

use axum::{
    extract::{Request, State},
    response::Response,
};
use bytes::{Bytes, BytesMut};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::device_socket::switching_protocols;
use crate::{
    api::ApiError,
    net::ws::{
        close::CloseReason,
        decode::{AllowedMessages, DecodeControl, WsDecoder, WsEvent},
        encode, handshake,
    },
    node::Node,
};

/// Bytes of one read.
const READ_BYTES: usize = 16 * 1024;

/// Answers 101. The socket belongs to no device and is in no metric.
pub(super) async fn open(
    State(node): State<Arc<Node>>,
    mut request: Request,
) -> Result<Response, ApiError> {
    let accept = handshake::accept_key(&request).map_err(ApiError::invalid_upgrade)?;
    node.allowed_origins.check(request.headers())?;
    // A permit of its own: the HTTP connection gives its permit back after this answer.
    let Some(permit) = node.connections.public.try_acquire() else {
        return Err(ApiError::unavailable(
            "this node is at its limit of connections",
            "come back later",
        ));
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(Box::pin(async move {
        serve(node, upgrade).await;
        drop(permit);
    }));
    Ok(switching_protocols(accept))
}

async fn serve(node: Arc<Node>, upgrade: OnUpgrade) {
    let Ok(upgraded) = upgrade.await else {
        return;
    };
    let max_message = node.sessions.limits.device_message_bytes;
    let echo = EchoConnection {
        decoder: WsDecoder::new(max_message, AllowedMessages::TextAndBinary),
        stream: TokioIo::new(upgraded),
        node,
    };
    if let Err(error) = echo.run().await {
        tracing::debug!(%error, "echo connection ended");
    }
}

struct EchoConnection {
    node: Arc<Node>,
    decoder: WsDecoder,
    stream: TokioIo<Upgraded>,
}

impl EchoConnection {
    async fn run(mut self) -> io::Result<()> {
        let limits = self.node.sessions.limits.clone();
        let drain = self.node.drain.clone();
        let mut input = vec![0; READ_BYTES];
        let close = loop {
            let read = tokio::select! {
                read = timeout(limits.idle_timeout, self.stream.read(&mut input)) => read,
                () = drain.cancelled() => break encode::close(CloseReason::Drain),
            };
            let read = match read {
                Ok(Ok(0)) => return Ok(()),
                Ok(read) => read?,
                Err(_) => break encode::close(CloseReason::Idle),
            };
            let (reply, close) = echo_reply(&mut self.decoder, &mut input[..read]);
            // Written before the next read: a peer that reads nothing costs the answers of
            // one read.
            timeout(limits.write_timeout, self.stream.write_all(&reply)).await??;
            if let Some(close) = close {
                break close;
            }
        };
        timeout(limits.close_timeout, self.close(&close, &mut input)).await?
    }

    /// Writes the close frame, then reads until the peer ends. A close over unread bytes
    /// would reset the connection, and the reset could discard the close frame.
    async fn close(&mut self, close: &[u8], rest: &mut [u8]) -> io::Result<()> {
        self.stream.write_all(close).await?;
        self.stream.shutdown().await?;
        while self.stream.read(rest).await? > 0 {}
        Ok(())
    }
}

/// Returns the reply to `input`, and the close frame if the input ends the connection.
fn echo_reply(decoder: &mut WsDecoder, input: &mut [u8]) -> (BytesMut, Option<Bytes>) {
    let (mut reply, mut close) = (BytesMut::new(), None);
    let decoded = decoder.feed(input, |event| {
        match event {
            WsEvent::Text(text) => reply.extend(encode::text(text.as_bytes())),
            WsEvent::Binary(bytes) => reply.extend(encode::binary(bytes)),
            WsEvent::Ping(payload) => reply.extend(encode::pong(payload)),
            WsEvent::Pong => {}
            WsEvent::Close(code) => {
                close = Some(encode::close_echo(code));
                return DecodeControl::Stop;
            }
        }
        DecodeControl::Continue
    });
    (reply, close.or(decoded.err().map(encode::close)))
}
