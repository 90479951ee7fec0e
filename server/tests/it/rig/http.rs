//! HTTP requests of the tests.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::TEST_TIMEOUT;

#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl HttpResponse {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends these bytes, and returns all bytes until the end of the connection.
pub(crate) async fn raw_request(address: SocketAddr, request: &str) -> String {
    raw_exchange(TcpStream::connect(address).await.unwrap(), request).await
}

/// Sends these bytes on a connection, and returns all bytes until its end.
pub(crate) async fn raw_exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
) -> String {
    let received = timeout(TEST_TIMEOUT, async {
        // The server may close the connection before it has read all.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut received = Vec::new();
        // After a reset, the bytes before it count.
        let _ = stream.read_to_end(&mut received).await;
        String::from_utf8(received).unwrap()
    });
    received.await.unwrap()
}

/// Connects from an address of the loopback network, each of which is a client.
pub(crate) async fn connect_from(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

/// Sends a request on a connection of its own.
pub(crate) async fn http_request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> HttpResponse {
    let done = timeout(TEST_TIMEOUT, async {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        // The request makes progress only while its connection is polled.
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = client
            .send_request(request.body(Full::new(body)).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        HttpResponse {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    });
    done.await
        .unwrap_or_else(|_| panic!("no answer to {method} {path}"))
}
