//! `GET /echo`: a WebSocket that says back what it is told. Conformance suites ask
//! for one; it reads and writes with the frame code of device sockets.

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

/// One read's worth.
const READ_BYTES: usize = 16 * 1024;

/// Answers 101; the socket is no device's and is counted nowhere.
pub(super) async fn open(
    State(node): State<Arc<Node>>,
    mut request: Request,
) -> Result<Response, ApiError> {
    let accept = handshake::accept_key(&request).map_err(|error| {
        ApiError::bad_request(error.to_string(), "open this path as a WebSocket")
    })?;
    // Its own place: that of the HTTP connection is free once this has answered.
    let Some(permit) = node.connection_limit.try_acquire() else {
        return Err(ApiError::unavailable(
            "this node has no room for more connections",
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
        tracing::debug!(%error, "echo");
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
            let (answer, close) = echo_reply(&mut self.decoder, &mut input[..read]);
            // Nothing more is read before this is written: a peer that does not
            // read costs one read's worth of answers.
            timeout(limits.write_timeout, self.stream.write_all(&answer)).await??;
            if let Some(close) = close {
                break close;
            }
        };
        timeout(limits.close_timeout, self.close(&close, &mut input)).await?
    }

    /// Says the last word, then reads to the peer's end: a connection that is closed
    /// over unread bytes is reset, which could swallow that word.
    async fn close(&mut self, close: &[u8], rest: &mut [u8]) -> io::Result<()> {
        self.stream.write_all(close).await?;
        self.stream.shutdown().await?;
        while self.stream.read(rest).await? > 0 {}
        Ok(())
    }
}

/// What to say to `input`, and the close if it ends the conversation.
fn echo_reply(decoder: &mut WsDecoder, input: &mut [u8]) -> (BytesMut, Option<Bytes>) {
    let (mut answer, mut close) = (BytesMut::new(), None);
    let fed = decoder.feed(input, |event| {
        match event {
            WsEvent::Text(text) => answer.extend(encode::text(text.as_bytes())),
            WsEvent::Binary(bytes) => answer.extend(encode::binary(bytes)),
            WsEvent::Ping(payload) => answer.extend(encode::pong(payload)),
            WsEvent::Pong => {}
            WsEvent::Close(code) => {
                close = Some(encode::close_echo(code));
                return DecodeControl::Stop;
            }
        }
        DecodeControl::Continue
    });
    (answer, close.or(fed.err().map(encode::close)))
}
