//! Pages in browsers: their heartbeats, their origins, and their tokens.

use std::time::Duration;

use bytes::Bytes;
use highwater_server::{AuthConfig, NodeConfig};
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{
    Error, Message, client::IntoClientRequest, http::HeaderValue,
};

use crate::{
    gateway::rig::{TestGateway, config as gateway_config},
    rig::{
        HttpResponse, TEST_TIMEOUT, TestCluster, TestDevice, TestNode, config, http_request, until,
    },
};

const APP: &str = "https://app.example";

fn node_for_app() -> TestNode {
    TestNode::start(NodeConfig {
        allowed_origins: vec![APP.parse().unwrap()],
        echo: true,
        ..config("n1")
    })
}

/// Opens a socket with these headers. Returns its subprotocol, or the status of a rejection.
async fn open(
    address: std::net::SocketAddr,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<String, u16> {
    let mut request = format!("ws://{address}{path}")
        .into_client_request()
        .unwrap();
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().insert(*name, value);
    }
    let connecting = timeout(TEST_TIMEOUT, tokio_tungstenite::connect_async(request));
    match connecting.await.unwrap() {
        Ok((_, response)) => {
            let chosen = response.headers().get("sec-websocket-protocol");
            Ok(chosen
                .map_or("", |value| value.to_str().unwrap())
                .to_owned())
        }
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn text_ping_is_answered_and_keeps_the_socket_open() {
    let mut config = config("n1");
    config.limits.idle_timeout = Duration::from_secs(2);
    // The page below sends as fast as it can.
    config.limits.frames_per_s = u16::MAX;
    let node = TestNode::start(config);
    let mut page = TestDevice::open(&node, "page").await;
    let mut silent = TestDevice::open(&node, "silent").await;
    // Until the node has closed a device that was as silent otherwise.
    let closed = tokio::spawn(async move { silent.close_code().await });
    while !closed.is_finished() {
        page.send(json!({"type": "ping"})).await;
        assert_eq!(page.frame().await, json!({"type": "pong"}));
    }
    assert_eq!(closed.await.unwrap(), Some(4001));
    page.ping(b"still in").await;
    let heartbeats = node.metric("highwater_heartbeats_total").await;
    assert!(heartbeats >= 2.0);
    assert_eq!(node.metric("highwater_pongs_total").await, heartbeats);
}

#[tokio::test]
async fn node_pings_a_silent_device_that_stays_for_its_pongs() {
    let mut config = config("n1");
    config.limits.idle_timeout = Duration::from_secs(3);
    config.limits.ping_interval = Some(Duration::from_secs(1));
    let node = TestNode::start(config);
    let mut page = TestDevice::open(&node, "page").await;
    // Longer than the idle timeout: tungstenite answers each ping, as a browser does.
    for _ in 0..4 {
        match page.next().await {
            Some(Message::Ping(payload)) => assert!(payload.is_empty()),
            other => panic!("expected a ping, got {other:?}"),
        }
    }
    page.ping(b"still in").await;
}

#[tokio::test]
async fn page_of_another_site_opens_no_socket() {
    let node = node_for_app();
    let own = format!("http://{}", node.address);
    for (origin, expected) in [
        (own.as_str(), Ok(String::new())),
        (APP, Ok(String::new())),
        ("https://evil.example", Err(403)),
        ("null", Err(403)),
    ] {
        for path in ["/ws?device=d", "/echo"] {
            let opened = open(node.address, path, &[("origin", origin)]).await;
            assert_eq!(opened, expected, "{path} for {origin}");
        }
    }
}

#[tokio::test]
async fn origin_is_compared_with_the_host_of_the_gateway() {
    let cluster = TestCluster::start(1).await;
    let gateway = TestGateway::in_front(gateway_config("g1", &cluster.ground), 1).await;
    let own = format!("http://{}", gateway.address);
    let of =
        async |origin: &str| open(gateway.address, "/ws?device=d", &[("origin", origin)]).await;
    assert_eq!(of(&own).await, Ok(String::new()));
    assert_eq!(of("https://evil.example").await, Err(403));
}

#[tokio::test]
async fn page_of_another_site_drains_nothing() {
    let cluster = TestCluster::start(1).await;
    let gateway = TestGateway::in_front(gateway_config("g1", &cluster.ground), 1).await;
    let node = &cluster.nodes[0];
    let evil = ("origin", "https://evil.example");
    for address in [node.address, gateway.address] {
        for (headers, status) in [
            // As the page's script sends it, without a body.
            (&[evil][..], 403),
            // As a form sends it.
            (&[evil, ("content-type", "text/plain")], 403),
            (&[evil, ("content-type", "application/json")], 403),
            (&[("content-type", "text/plain")], 415),
            (&[], 415),
        ] {
            let body = Bytes::from_static(b"x=1");
            let response = http_request(address, "POST", "/admin/drain", headers, body).await;
            assert_eq!(response.status, status, "{headers:?}");
        }
    }
    assert_eq!(node.get("/readyz").await.status, 200);
    assert_eq!(gateway.get("/readyz").await.status, 200);
    // Every path that changes something is guarded.
    for path in ["/admin/rebalance", "/admin/load", "/admin/faults"] {
        let response = http_request(node.address, "POST", path, &[evil], Bytes::new()).await;
        assert_eq!(response.status, 403, "{path}");
    }
}

async fn preflight(node: &TestNode, origin: &str) -> HttpResponse {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let path = "/devices/d1/commands";
    http_request(node.address, "OPTIONS", path, &headers, Bytes::new()).await
}

#[tokio::test]
async fn pages_of_allowed_origins_send_commands() {
    let node = node_for_app();
    let response = preflight(&node, APP).await;
    assert_eq!(response.status, 204);
    assert_eq!(response.header("access-control-allow-origin"), APP);
    assert!(
        response
            .header("access-control-allow-methods")
            .contains("POST")
    );
    let headers = response.header("access-control-allow-headers");
    assert!(headers.contains("Content-Type"), "{headers}");
    let response = preflight(&node, "https://evil.example").await;
    assert_eq!(response.header("access-control-allow-origin"), "");
    assert_eq!(response.header("vary"), "Origin");

    TestDevice::open(&node, "d1").await.reply_to_all();
    let body = json!({"name": "read", "body": 1});
    let headers = [("origin", APP)];
    for (path, status) in [("/devices/d1/commands", 200), ("/devices/d2/commands", 404)] {
        let response = node.post_with(path, &headers, body.clone()).await;
        assert_eq!(response.status, status);
        assert_eq!(response.header("access-control-allow-origin"), APP);
        let exposed = response.header("access-control-expose-headers");
        assert!(exposed.contains("X-Highwater-Owner"), "{exposed}");
    }
    // A node without a list allows no origin.
    let other = TestNode::standalone();
    assert_eq!(preflight(&other, APP).await.status, 405);
}

#[tokio::test]
async fn event_stream_is_not_held_back_by_proxies() {
    let node = TestNode::standalone();
    let headers = [("accept", "text/event-stream")];
    let body = json!({"name": "read"});
    let response = node.post_with("/devices/d1/commands", &headers, body).await;
    assert_eq!(response.header("x-accel-buffering"), "no");
    assert_eq!(response.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn subprotocol_may_hold_the_token() {
    const SECRET: &str = "an-example-secret-of-32-bytes-ok";
    let node = TestNode::start(NodeConfig {
        auth: Some(AuthConfig {
            login_secret: Some(SECRET.parse().unwrap()),
            ..AuthConfig::required(SECRET.parse().unwrap())
        }),
        ..config("n1")
    });
    let login = format!("Bearer {SECRET}");
    let headers = [("authorization", login.as_str())];
    let body = json!({"user": "anna", "devices": ["d1"]});
    let session = node.post_with("/sessions", &headers, body).await.json();
    let token = session["token"].as_str().unwrap();
    let offered = format!("highwater, bearer.{token}");
    for (offered, expected) in [
        (offered.as_str(), Ok("highwater".to_owned())),
        ("highwater, bearer.a.b.c", Err(401)),
        ("highwater", Err(401)),
    ] {
        let headers = [("sec-websocket-protocol", offered)];
        let opened = open(node.address, "/ws?device=d1", &headers).await;
        assert_eq!(opened, expected, "{offered}");
    }
    // The query is percent-decoded, as the device's name is.
    let encoded = token.replace('.', "%2E");
    let path = format!("/ws?device=d1&token={encoded}");
    assert_eq!(open(node.address, &path, &[]).await, Ok(String::new()));
    until("every socket has ended", async || {
        node.metric("highwater_sockets").await == 0.0
    })
    .await;
}
