//! Sessions at a node that requires tokens.

use highwater_server::{AuthConfig, NodeConfig};
use highwater_stomp::{Command, Version, header};
use tokio_tungstenite::tungstenite::Error;

use super::{StompClient, client::message_to};
use crate::rig::{SECRET, TestNode, config, token};

fn guarded() -> TestNode {
    TestNode::start(NodeConfig {
        auth: Some(AuthConfig::required(SECRET.parse().unwrap())),
        ..config("n1")
    })
}

#[tokio::test]
async fn passcode_is_the_token_and_its_user_is_the_user() {
    let node = guarded();
    let mut client = StompClient::open(&node).await;
    let token = token(&["*"], 0, 60);
    let headers = [(header::LOGIN, "berta"), (header::PASSCODE, &*token)];
    let connected = client.log_in(Version::V1_2, &headers).await;
    assert_eq!(connected.command, Command::Connected);
    assert_eq!(connected.get("user-name"), Some("anna"));
    client.subscribe("1", "/user/queue/a", "auto").await;
    client.publish("/user/anna/queue/a", "x").await;
    assert_eq!(client.body().await, "x");
}

#[tokio::test]
async fn missing_or_wrong_passcode_ends_with_4004() {
    let node = guarded();
    for (passcode, expected) in [(None, "token"), (Some("wrong"), "token")] {
        let mut client = StompClient::open(&node).await;
        let headers: Vec<_> = passcode
            .map(|code| (header::PASSCODE, code))
            .into_iter()
            .collect();
        let refused = client.log_in(Version::V1_2, &headers).await;
        assert_eq!(refused.command, Command::Error);
        let text = refused.get(header::MESSAGE).unwrap();
        assert!(text.contains(expected), "{text}");
        assert_eq!(client.next().await, Err(Some(4004)));
    }
}

#[tokio::test]
async fn token_of_the_handshake_is_enough() {
    let node = guarded();
    let token = token(&["*"], 0, 60);
    let in_header = format!("Bearer {token}");
    let in_subprotocol = format!("v12.stomp, bearer.{token}");
    for header in [
        ("authorization", in_header.as_str()),
        ("sec-websocket-protocol", in_subprotocol.as_str()),
    ] {
        let mut client = StompClient::open_with(node.address, &[header])
            .await
            .unwrap();
        let connected = client.log_in(Version::V1_2, &[]).await;
        assert_eq!(connected.get("user-name"), Some("anna"));
    }
    let wrong = [("authorization", "Bearer wrong")];
    match StompClient::open_with(node.address, &wrong)
        .await
        .map(|_| ())
    {
        Err(error) => match *error {
            Error::Http(response) => assert_eq!(response.status(), 401),
            other => panic!("{other}"),
        },
        Ok(()) => panic!("the wrong token was accepted"),
    }
}

#[tokio::test]
async fn session_ends_with_its_token() {
    let node = guarded();
    let mut client = StompClient::open(&node).await;
    // It is accepted for another 30 s, of which two are left.
    let token = token(&["*"], 60, 32);
    let connected = client
        .log_in(Version::V1_2, &[(header::PASSCODE, &token)])
        .await;
    assert_eq!(connected.command, Command::Connected);
    assert_eq!(
        client.error().await,
        ("the token has expired".to_owned(), 4003)
    );
}

#[tokio::test]
async fn command_to_a_device_of_others_is_forbidden() {
    let node = guarded();
    let mut client = StompClient::open(&node).await;
    let token = token(&["home-*"], 0, 60);
    client
        .log_in(Version::V1_2, &[(header::PASSCODE, &token)])
        .await;
    client.subscribe("1", "/user/queue/replies", "auto").await;
    for (device, status) in [("other-1", "403"), ("home-1", "404")] {
        let destination = format!("/app/devices/{device}/commands/x");
        client.request(message_to(&destination, "1")).await;
        assert_eq!(client.message().await.get("status"), Some(status));
    }
}
