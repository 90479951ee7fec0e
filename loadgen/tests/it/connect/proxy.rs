//! Sockets and commands through an HTTP proxy.

use std::net::SocketAddr;

use highwater_loadgen::access::{ClientAccess, ClientOptions, HttpProxy};
use tokio::{
    io::{AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
};

use super::fixture::{
    Heads, field, listen, listen_with_answer, open, read_head, switching_protocols,
};

/// `u:p@ss` in base64.
const AUTHORIZATION: &str = "Basic dTpwQHNz";

fn access(proxy: SocketAddr) -> ClientAccess {
    let address = format!("http://u:${{PASS}}@{proxy}");
    let look_up = |name: &str| (name == "PASS").then(|| "p@ss".to_owned());
    ClientAccess {
        proxy: Some(HttpProxy::from_address(&address, look_up).unwrap()),
        ..ClientAccess::default()
    }
}

/// Runs a proxy that knows one user. It forwards tunnels, and answers other requests itself.
async fn listen_as_proxy(heads: Heads) -> SocketAddr {
    listen("127.0.0.1", move |mut stream| {
        let heads = heads.clone();
        async move {
            let head = read_head(&mut stream).await;
            heads.lock().push(head.clone());
            let is_known = field(&head, "proxy-authorization") == Some(AUTHORIZATION);
            let destination = head.strip_prefix("CONNECT ");
            let destination = destination.and_then(|rest| rest.split(' ').next());
            let mut system = match (is_known, destination) {
                (false, _) => {
                    let answer = "HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n";
                    return stream.write_all(answer.as_bytes()).await.unwrap();
                }
                (true, None) => {
                    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                    return stream.write_all(answer.as_bytes()).await.unwrap();
                }
                (true, Some(destination)) => TcpStream::connect(destination).await.unwrap(),
            };
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            // An error says that one end has left.
            let _ = copy_bidirectional(&mut stream, &mut system).await;
        }
    })
    .await
}

#[tokio::test]
async fn sockets_and_commands_go_through_the_proxy() {
    let heads = Heads::default();
    let proxy = listen_as_proxy(heads.clone()).await;
    let system = listen("127.0.0.1", |mut stream| async move {
        let head = read_head(&mut stream).await;
        // Neither the system nor its logs get the proxy's password.
        assert_eq!(field(&head, "proxy-authorization"), None);
        let answer = switching_protocols(&head, "");
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let access = access(proxy);
    open(&access, &format!("ws://{system}/ws")).await.unwrap();
    let tunnel = heads.lock().pop().unwrap();
    assert!(
        tunnel.starts_with(&format!("CONNECT {system} HTTP/1.1\r\n")),
        "{tunnel}"
    );

    let client = ClientOptions::new(&access).unwrap();
    let client = client.http_client(0, 1, |client| client).unwrap();
    // The proxy looks the name up.
    let response = client.post("http://home.invalid/commands").send().await;
    assert_eq!(response.unwrap().status(), 200);
    let command = heads.lock().pop().unwrap();
    assert!(
        command.starts_with("POST http://home.invalid/commands HTTP/1.1\r\n"),
        "{command}"
    );
}

#[tokio::test]
async fn refusal_of_the_proxy_has_a_kind_of_its_own() {
    for (answer, kind) in [
        ("HTTP/1.1 407 Who\r\n\r\n".to_owned(), "proxy_407"),
        ("HTTP/1.1 503 Full\r\n\r\n".to_owned(), "proxy_503"),
        ("SSH-2.0-OpenSSH\r\n".to_owned(), "proxy"),
        ("HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000), "proxy"),
        (format!("HTTP/1.1 200 {}", "x".repeat(1 << 20)), "proxy"),
    ] {
        let proxy = listen_with_answer(answer).await;
        let opened = open(&access(proxy), "ws://home.invalid/").await;
        assert_eq!(opened.unwrap_err(), kind);
    }
}
