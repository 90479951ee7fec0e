//! Sockets, commands and publishes that need a token.

use highwater_server::{AuthConfig, NodeConfig, Secret};
use hyper::StatusCode;
use serde_json::json;
use tokio_tungstenite::tungstenite::{Error, client::IntoClientRequest, http::HeaderValue};

use crate::{
    ground::TestBackplaneKind,
    rig::{
        SECRET, TEST_TIMEOUT, TestCluster, TestDevice, TestNode, config, http_request, token, until,
    },
};

fn secret() -> Secret {
    SECRET.parse().unwrap()
}

fn guarded() -> NodeConfig {
    NodeConfig {
        auth: Some(AuthConfig::required(secret())),
        ..config("n1")
    }
}

enum TokenIn<'a> {
    Nothing,
    Header(&'a str),
    Query(&'a str),
}

/// Opens a socket, or returns the status and the challenge of the rejection.
async fn open(
    node: &TestNode,
    device: &str,
    shown: TokenIn<'_>,
) -> Result<TestDevice, (StatusCode, String)> {
    let mut url = format!("ws://{}/ws?device={device}", node.address);
    if let TokenIn::Query(token) = shown {
        url = format!("{url}&token={token}");
    }
    let mut request = url.into_client_request().unwrap();
    if let TokenIn::Header(token) = shown {
        let value = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
        request.headers_mut().insert("authorization", value);
    }
    let connecting = tokio_tungstenite::connect_async(request);
    match tokio::time::timeout(TEST_TIMEOUT, connecting)
        .await
        .unwrap()
    {
        Ok((socket, response)) => Ok(TestDevice {
            socket,
            headers: response.headers().clone(),
        }),
        Err(Error::Http(response)) => {
            let challenge = response.headers().get("www-authenticate");
            let challenge = challenge.map_or("", |value| value.to_str().unwrap());
            Err((response.status(), challenge.to_owned()))
        }
        Err(other) => panic!("{other}"),
    }
}

async fn open_rejected(node: &TestNode, device: &str, shown: TokenIn<'_>) -> (u16, String) {
    match open(node, device, shown).await {
        Err((status, challenge)) => (status.as_u16(), challenge),
        Ok(_) => panic!("{device} was accepted"),
    }
}

#[tokio::test]
async fn socket_without_a_valid_token_is_rejected() {
    let node = TestNode::start(guarded());
    let good = token(&["d1", "home-*"], 0, 60);
    for shown in [TokenIn::Header(&good), TokenIn::Query(&good)] {
        let mut device = open(&node, "home-7", shown).await.unwrap();
        device.ping(b"in").await;
    }
    let no_token = "Bearer realm=\"highwater\"".to_owned();
    let invalid_token = "Bearer realm=\"highwater\", error=\"invalid_token\"".to_owned();
    assert_eq!(
        open_rejected(&node, "d1", TokenIn::Nothing).await,
        (401, no_token)
    );
    let expired = token(&["d1"], 120, 60);
    for invalid in ["nonsense", &expired, &good[..good.len() - 2]] {
        let response = open_rejected(&node, "d1", TokenIn::Header(invalid)).await;
        assert_eq!(response, (401, invalid_token.clone()), "{invalid}");
    }
    let response = open_rejected(&node, "other", TokenIn::Query(&good)).await;
    assert_eq!(response, (403, String::new()));
    let metrics = node.get("/metrics").await.text();
    for (reason, count) in [
        ("missing", 1),
        ("expired", 1),
        ("invalid", 2),
        ("other_device", 1),
    ] {
        let line = format!("highwater_auth_rejected_total{{reason=\"{reason}\"}} {count}");
        assert!(metrics.contains(&line), "{line} is missing in {metrics}");
    }
    assert_eq!(node.metric("highwater_sockets_accepted_total").await, 2.0);
}

#[tokio::test]
async fn every_node_requires_a_token_for_commands_and_publishes() {
    let cluster = TestCluster::start_with(TestBackplaneKind::Local.ground(), 2, |config| {
        config.auth = Some(AuthConfig::required(secret()));
    })
    .await;
    let good = format!("Bearer {}", token(&["d1"], 0, 60));
    let other = format!("Bearer {}", token(&["d2"], 0, 60));
    let device = open(&cluster.nodes[0], "d1", TokenIn::Header(&good[7..])).await;
    device.unwrap().reply_to_all();
    for node in &cluster.nodes {
        let command = async |headers: &[(&str, &str)]| {
            let body = json!({"name": "read", "body": [1]});
            let response = node.post_with("/devices/d1/commands", headers, body).await;
            response.status.as_u16()
        };
        assert_eq!(command(&[("authorization", &good)]).await, 200);
        assert_eq!(command(&[]).await, 401);
        assert_eq!(command(&[("authorization", &other)]).await, 403);
        let publish = async |headers: &[(&str, &str)]| {
            let body = json!({"body": 1});
            node.post_with("/topics/t/messages", headers, body)
                .await
                .status
                .as_u16()
        };
        assert_eq!(publish(&[]).await, 401);
        assert_eq!(publish(&[("authorization", &other)]).await, 202);
        let show = async |headers: &[(&str, &str)]| {
            let response = http_request(
                node.address,
                "GET",
                "/devices/d1",
                headers,
                Default::default(),
            );
            response.await.status.as_u16()
        };
        assert_eq!(show(&[]).await, 401);
        assert_eq!(show(&[("authorization", &good)]).await, 200);
        // A rejected token is not counted as a command.
        let metrics = node.get("/metrics").await.text();
        assert!(metrics.contains("highwater_commands_total{outcome=\"replied\"} 1"));
        for open in ["/healthz", "/readyz"] {
            assert_eq!(node.get(open).await.status, 200);
        }
    }
}

#[tokio::test]
async fn socket_closes_when_its_token_expires() {
    let node = TestNode::start(guarded());
    // Expired for 28 s: of the leeway of 30 s for clocks, 2 s are left.
    let short = token(&["d1"], 60, 32);
    let long = token(&["d2"], 0, 600);
    let mut ends = open(&node, "d1", TokenIn::Header(&short)).await.unwrap();
    let mut stays = open(&node, "d2", TokenIn::Header(&long)).await.unwrap();
    ends.ping(b"still in").await;
    assert_eq!(ends.close_code().await, Some(4003));
    stays.ping(b"still in").await;
    until("the reason is counted", async || {
        let metrics = node.get("/metrics").await.text();
        metrics.contains("highwater_sockets_closed_total{reason=\"expired\"} 1")
    })
    .await;
}

#[tokio::test]
async fn optional_auth_ignores_an_invalid_token() {
    let mut config = guarded();
    if let Some(auth) = &mut config.auth {
        auth.required = false;
    }
    let node = TestNode::start(config);
    let mut device = open(&node, "d1", TokenIn::Header("nonsense"))
        .await
        .unwrap();
    device.ping(b"in").await;
}
