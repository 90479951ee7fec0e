//! The requests of callers, after hyper's own parser.

use std::sync::OnceLock;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Request, header},
};
use futures_util::FutureExt;
use serde_json::value::RawValue;
use tokio::runtime::{Builder, Runtime};

use crate::{
    api::accepts_event_stream, limits::NodeLimits, net::ws::handshake, node::http::read_command,
};

/// Checks a command request. The input's lines are the device, the timeout, the content
/// type, and the key and the tokens of an upgrade; the rest is the body.
pub fn http_commands(bytes: &[u8]) {
    let mut lines = bytes.splitn(6, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let device = String::from_utf8_lossy(line()).into_owned();
    let names = [
        "x-highwater-timeout-ms",
        "content-type",
        "sec-websocket-key",
        "connection",
    ];
    let mut headers = HeaderMap::new();
    for name in names {
        if let Ok(value) = HeaderValue::from_bytes(line()) {
            headers.insert(name, value);
        }
    }
    if let Some(connection) = headers.get(header::CONNECTION).cloned() {
        headers.insert(header::UPGRADE, connection.clone());
        headers.insert(header::ACCEPT, connection);
    }
    let version = HeaderValue::from_static("13");
    headers.insert(header::SEC_WEBSOCKET_VERSION, version);
    let mut request = Request::new(Body::from(line().to_vec()));
    *request.headers_mut() = headers;
    let _ = handshake::accept_key(&request);
    let _ = accepts_event_stream(request.headers());

    let limits = NodeLimits::default();
    let _clock = runtime().enter();
    let command = read_command(&device, request, &limits).now_or_never();
    if let Some(Ok(command)) = command {
        assert!((1..=60_000).contains(&command.timeout_ms));
        assert!(serde_json::from_str::<&RawValue>(&command.body).is_ok());
    }
}

/// Returns a runtime with a clock, which the timeout of a body needs.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime with only a clock needs no system resource")
    })
}
