//! Wrong secrets for one account, from many addresses.

use std::net::SocketAddr;

use highwater_server::{AuthConfig, NodeConfig};
use jwt_compact::{
    AlgorithmExt, Claims, Header, TimeOptions,
    alg::{Hs256, Hs256Key},
};
use serde_json::json;

use crate::rig::{ADMIN_TOKEN, TestNode, config, connect_from, raw_exchange};

const SECRET: &str = "an-example-secret-of-32-bytes-ok";
const OTHER_SECRET: &str = "another-secret-that-is-not-theirs";

/// Returns a token for these devices that is signed with that secret.
fn token(devices: &[&str], secret: &str) -> String {
    let claims = Claims::new(json!({"sub": "anna", "devices": devices}))
        .set_duration_and_issuance(&TimeOptions::default(), chrono::Duration::seconds(600));
    let key = Hs256Key::new(secret);
    Hs256.token(&Header::empty(), &claims, &key).unwrap()
}

fn start() -> TestNode {
    TestNode::start(NodeConfig {
        auth: Some(AuthConfig {
            login_secret: Some(SECRET.parse().unwrap()),
            ..AuthConfig::required(SECRET.parse().unwrap())
        }),
        ..config("n1")
    })
}

/// Returns the status of a request from an address.
async fn status(node: SocketAddr, from: &str, request: &str, bearer: &str) -> String {
    let stream = connect_from(from, node).await;
    let request = format!(
        "{request} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {bearer}\r\n\
         Content-Type: application/json\r\nContent-Length: 10\r\nConnection: close\r\n\r\n\
         {{\"body\":1}}"
    );
    raw_exchange(stream, &request).await[9..12].to_owned()
}

#[tokio::test]
async fn device_with_many_wrong_tokens_has_to_wait_where_it_is_unknown() {
    let node = start();
    let get = async |from: &str, device: &str, bearer: &str| {
        let request = format!("GET /devices/{device}");
        status(node.address, from, &request, bearer).await
    };
    let (right, wrong) = (token(&["*"], SECRET), token(&["*"], OTHER_SECRET));
    assert_eq!(get("127.0.0.2", "d1", &right).await, "200");
    for guess in 0..100 {
        let from = format!("127.0.1.{}", guess % 20);
        assert_eq!(get(&from, "d1", &wrong).await, "401", "{guess}");
    }
    // Guesses would go on if the right token were told apart now.
    for bearer in [&wrong, &right] {
        assert_eq!(get("127.0.2.1", "d1", bearer).await, "429");
    }
    assert_eq!(get("127.0.0.2", "d1", &right).await, "200", "known there");
    assert_eq!(
        get("127.0.2.1", "d2", &right).await,
        "200",
        "another device"
    );
    let metrics = node.get("/metrics").await.text();
    let counted = "highwater_auth_rejected_total{reason=\"account_limit\"} 2\n";
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn user_and_shared_secret_have_a_limit_for_all_addresses() {
    let node = start();
    let wrong = token(&["*"], OTHER_SECRET);
    for (request, bearer, expected) in [
        ("POST /topics/t/messages", wrong.as_str(), "202"),
        ("POST /sessions", "wrong", "400"),
        ("GET /nodes", "wrong", "200"),
    ] {
        let right = match expected {
            "202" => token(&[], SECRET),
            "400" => SECRET.to_owned(),
            _ => ADMIN_TOKEN.to_owned(),
        };
        let request =
            async |from: &str, bearer: &str| status(node.address, from, request, bearer).await;
        assert_eq!(request("127.0.0.2", &right).await, expected);
        for guess in 0..100 {
            // Each address stays below its own limit of 10.
            let from = format!("127.0.1.{}", guess % 20);
            assert_eq!(request(&from, bearer).await, "401", "{guess}");
        }
        assert_eq!(request("127.0.2.1", bearer).await, "429");
        assert_eq!(request("127.0.2.1", &right).await, "429");
        assert_eq!(request("127.0.0.2", &right).await, expected, "known there");
    }
}
