//! Logging in, and session data that follows a user from node to node.

use bytes::Bytes;
use highwater_server::{AuthConfig, NodeConfig, auth::StoreUrl, listen};
use highwater_services::{RedisClusterOptions, RedisClusterService, RedisOptions, RedisService};
use serde_json::{Value, json};

use crate::rig::{HttpResponse, TestDevice, TestNode, any_port, config, http_request, until};

const SECRET: &str = "an-example-secret-of-32-bytes-ok";
const LOGIN: &str = "a-login-secret-of-32-bytes-or-so";

fn with_login(id: &str, store: StoreUrl) -> NodeConfig {
    NodeConfig {
        auth: Some(AuthConfig {
            login_secret: Some(LOGIN.parse().unwrap()),
            store,
            ..AuthConfig::required(SECRET.parse().unwrap())
        }),
        ..config(id)
    }
}

struct TestSession {
    id: String,
    token: String,
}

async fn log_in(node: &TestNode, body: Value) -> TestSession {
    let response = try_log_in(node, LOGIN, body).await;
    assert_eq!(response.status, 201, "{response:?}");
    let text = |field: &str| response.json()[field].as_str().unwrap().to_owned();
    TestSession {
        id: text("id"),
        token: text("token"),
    }
}

async fn try_log_in(node: &TestNode, secret: &str, body: Value) -> HttpResponse {
    let secret = format!("Bearer {secret}");
    node.post_with("/sessions", &[("authorization", &secret)], body)
        .await
}

impl TestSession {
    async fn show(&self, node: &TestNode) -> HttpResponse {
        self.send(node, "GET", &self.id, Value::Null).await
    }

    async fn replace(&self, node: &TestNode, data: Value) -> u16 {
        let body = json!({ "data": data });
        self.send(node, "PUT", &self.id, body).await.status.as_u16()
    }

    async fn send(&self, node: &TestNode, method: &str, id: &str, body: Value) -> HttpResponse {
        let bearer = format!("Bearer {}", self.token);
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let body = Bytes::from(body.to_string());
        http_request(
            node.address,
            method,
            &format!("/sessions/{id}"),
            &headers,
            body,
        )
        .await
    }
}

#[tokio::test]
async fn session_is_created_read_and_replaced() {
    let node = TestNode::start(with_login("n1", StoreUrl::Memory));
    let anna = log_in(
        &node,
        json!({"user": "anna", "devices": ["home-*"], "data": {"theme": "dark"}}),
    )
    .await;
    let shown = anna.show(&node).await.json();
    assert_eq!(
        shown,
        json!({"id": anna.id, "user": "anna", "devices": ["home-*"], "data": {"theme": "dark"}})
    );
    assert_eq!(anna.replace(&node, json!([1, 2])).await, 204);
    assert_eq!(anna.show(&node).await.json()["data"], json!([1, 2]));

    // The token opens the sockets of its own devices only.
    let url = |device: &str| format!("{device}&token={}", anna.token);
    TestDevice::open(&node, &url("home-1"))
        .await
        .ping(b"in")
        .await;
    assert!(TestDevice::try_open(&node, &url("other")).await.is_err());

    let bob = log_in(&node, json!({"user": "bob"})).await;
    assert_eq!(bob.show(&node).await.json()["data"], Value::Null);
    assert_eq!(
        bob.send(&node, "GET", &anna.id, Value::Null).await.status,
        403
    );
}

#[tokio::test]
async fn invalid_login_is_rejected() {
    let node = TestNode::start(with_login("n1", StoreUrl::Memory));
    for (secret, body, status) in [
        (
            "a-login-secret-of-32-bytes-or-sp",
            json!({"user": "anna"}),
            401,
        ),
        (LOGIN, json!({"user": ""}), 400),
        (LOGIN, json!({"user": "x".repeat(257)}), 400),
        (LOGIN, json!({"user": "anna", "devices": ["a b"]}), 400),
        (
            LOGIN,
            json!({"user": "anna", "devices": vec!["a"; 17]}),
            400,
        ),
        (LOGIN, json!({"user": "anna", "password": "x"}), 400),
        (
            LOGIN,
            json!({"user": "anna", "data": "x".repeat(17_000)}),
            413,
        ),
    ] {
        let response = try_log_in(&node, secret, body).await;
        assert_eq!(response.status, status, "{response:?}");
        assert!(response.json()["hint"].is_string());
    }
    let metrics = node.get("/metrics").await.text();
    assert!(metrics.contains("highwater_auth_rejected_total{reason=\"login\"} 1\n"));
    let anna = log_in(&node, json!({"user": "anna"})).await;
    assert_eq!(anna.replace(&node, json!("x".repeat(17_000))).await, 413);
    assert_eq!(
        node.get(&format!("/sessions/{}", anna.id)).await.status,
        401
    );

    let mut without = with_login("n2", StoreUrl::Memory);
    if let Some(auth) = &mut without.auth {
        auth.login_secret = None;
    }
    let without = TestNode::start(without);
    let response = try_log_in(&without, LOGIN, json!({"user": "anna"})).await;
    assert_eq!(response.status, 403);
    // Every node accepts the token, but the data is in the memory of the other node.
    assert_eq!(anna.show(&without).await.status, 404);
    let response = try_log_in(&TestNode::standalone(), LOGIN, json!({"user": "anna"})).await;
    assert_eq!(response.status, 404);
}

#[tokio::test]
async fn session_is_the_same_on_every_node() {
    // Persistent, because the session must survive the restart below.
    let start = || RedisService::start(RedisOptions { persistent: true }).unwrap();
    let mut redis = tokio::task::spawn_blocking(start).await.unwrap();
    let store: StoreUrl = redis.url().parse().unwrap();
    let nodes = ["n1", "n2"].map(|id| TestNode::start(with_login(id, store.clone())));
    let anna = log_in(&nodes[0], json!({"user": "anna", "data": 1})).await;
    assert_eq!(anna.show(&nodes[1]).await.json()["data"], json!(1));
    assert_eq!(anna.replace(&nodes[1], json!(2)).await, 204);
    assert_eq!(anna.show(&nodes[0]).await.json()["data"], json!(2));

    let mut redis = tokio::task::spawn_blocking(move || {
        redis.kill();
        redis
    })
    .await
    .unwrap();
    let response = anna.show(&nodes[0]).await;
    assert_eq!(response.status, 503);
    assert_eq!(response.header("retry-after"), "1");
    let _redis = tokio::task::spawn_blocking(move || {
        redis.restart().unwrap();
        redis
    })
    .await
    .unwrap();
    for node in &nodes {
        until("the store is back", async || {
            anna.show(node).await.status != 503
        })
        .await;
    }
}

/// The store's URL names the server that is killed.
#[tokio::test]
async fn sessions_in_a_cluster_survive_the_failover_of_a_primary() {
    let start = || RedisClusterService::start_with(RedisClusterOptions { replicas: 1 }).unwrap();
    let mut redis = tokio::task::spawn_blocking(start).await.unwrap();
    let store: StoreUrl = redis.url().parse().unwrap();
    let nodes = ["n1", "n2"].map(|id| TestNode::start(with_login(id, store.clone())));
    let mut sessions = Vec::new();
    // Thirty, so that each of the three primaries has some of them.
    for number in 0..30 {
        sessions.push(log_in(&nodes[0], json!({"user": "anna", "data": number})).await);
    }
    // Both nodes learn the cluster's servers, because the URL names the one that is killed.
    assert_eq!(sessions[0].show(&nodes[1]).await.status, 200);
    let primary = redis.pid().unwrap();
    redis.kill_one(primary);
    for (number, session) in sessions.iter().enumerate() {
        for node in &nodes {
            until("the session is back", async || {
                let response = session.show(node).await;
                response.status == 200 && response.json()["data"] == json!(number)
            })
            .await;
        }
    }
    log_in(&nodes[1], json!({"user": "anna"})).await;
}

#[tokio::test]
async fn hung_store_is_answered_with_503() {
    // The kernel accepts connections, and no process ever answers.
    let silent = listen(any_port()).unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let store = format!("redis://{address}").parse().unwrap();
    let node = TestNode::start(with_login("n1", store));
    let logins = (0..20).map(|_| try_log_in(&node, LOGIN, json!({"user": "anna"})));
    for response in futures_util::future::join_all(logins).await {
        assert_eq!(response.status, 503);
        assert_eq!(response.header("retry-after"), "1");
        // The URL of a store may hold its password.
        assert!(!response.text().contains(&address), "{response:?}");
    }
}
