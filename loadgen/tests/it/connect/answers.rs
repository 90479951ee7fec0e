//! Answers to the upgrade request: their limits, and the addresses that they come from.

use std::{net::SocketAddr, time::Duration};

use highwater_loadgen::access::ClientAccess;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use super::fixture::{
    failure, field, listen, listen_with_answer, open, open_within, read_head, switching_protocols,
};

#[tokio::test]
async fn answer_without_an_end_is_read_up_to_a_limit() {
    let fields = "X-Filler: 0123456789\r\n".repeat(10_000);
    for answer in [
        format!("HTTP/1.1 101 Switching Protocols\r\n{fields}\r\n"),
        format!("HTTP/1.1 503 Full\r\n{fields}\r\n"),
        format!("HTTP/1.1 101 {}", "x".repeat(1 << 20)),
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nA: {}",
            "x".repeat(1 << 20)
        ),
        "HTTP/1.1 100 Continue\r\n\r\n".repeat(40_000),
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(40_000),
    ] {
        let address = listen_with_answer(answer.clone()).await;
        let kind = failure(&format!("ws://{address}/")).await;
        assert_eq!(kind, "response_too_large", "{}", &answer[..40]);
    }
}

/// Sends a piece of an answer again and again, without end.
async fn listen_with_endless(piece: &'static str, pause: Duration) -> SocketAddr {
    listen("127.0.0.1", move |mut stream: TcpStream| async move {
        read_head(&mut stream).await;
        while stream.write_all(piece.as_bytes()).await.is_ok() {
            tokio::time::sleep(pause).await;
        }
    })
    .await
}

#[tokio::test]
async fn answer_that_never_ends_is_bounded_in_size_and_time() {
    for piece in ["x", "A: b\r\n", "HTTP/1.1 100 Continue\r\n\r\n"] {
        let fast = listen_with_endless(piece, Duration::ZERO).await;
        let kind = failure(&format!("ws://{fast}/")).await;
        // The two texts without a status line are no answers of HTTP at all.
        let expected = match piece.starts_with("HTTP") {
            true => "response_too_large",
            false => "handshake",
        };
        assert_eq!(kind, expected, "{piece}");
    }
    let slow =
        listen_with_endless("HTTP/1.1 100 Continue\r\n\r\n", Duration::from_millis(20)).await;
    let timeout = Duration::from_millis(300);
    let opened = open_within(&ClientAccess::default(), &format!("ws://{slow}/"), timeout).await;
    assert_eq!(opened.unwrap_err(), "timeout");
}

#[tokio::test]
async fn other_statuses_are_failures_with_their_number() {
    for (answer, kind) in [
        ("307 Moved\r\nLocation: ws://h/", "status_307"),
        ("429 Slow\r\nRetry-After: 3", "status_429"),
        ("200 OK", "status_200"),
    ] {
        let address = listen_with_answer(format!("HTTP/1.1 {answer}\r\n\r\n")).await;
        assert_eq!(failure(&format!("ws://{address}/")).await, kind);
    }
}

#[tokio::test]
async fn ipv6_address_in_brackets_is_reached() {
    if TcpListener::bind("[::1]:0").await.is_err() {
        eprintln!("skipped: this machine has no IPv6 loopback");
        return;
    }
    let address = listen("::1", |mut stream| async move {
        let head = read_head(&mut stream).await;
        assert!(
            field(&head, "host").is_some_and(|host| host.starts_with("[::1]:")),
            "{head}"
        );
        let answer = switching_protocols(&head, "");
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    assert!(address.is_ipv6());
    open(&ClientAccess::default(), &format!("ws://{address}/ws"))
        .await
        .unwrap();
}

/// `localhost` has an address per family on most machines, and the server listens on one.
#[tokio::test]
async fn name_with_several_addresses_is_reached_at_the_one_that_listens() {
    let serve = |mut stream: TcpStream| async move {
        let head = read_head(&mut stream).await;
        let answer = switching_protocols(&head, "");
        stream.write_all(answer.as_bytes()).await.unwrap();
    };
    let address = listen("127.0.0.1", serve).await;
    let address = format!("ws://localhost:{}/", address.port());
    open(&ClientAccess::default(), &address).await.unwrap();
}

#[tokio::test]
async fn fields_of_a_browser_are_sent_as_they_are_written() {
    let fields = [
        ("Origin", "https://home.example"),
        ("User-Agent", "k6/1.0"),
        ("Cookie", "sid=s3cr3t; theme=dark"),
    ];
    let access = ClientAccess {
        headers: fields
            .map(|(name, value)| (name.to_owned(), value.to_owned().into()))
            .to_vec(),
        ..ClientAccess::default()
    };
    let address = listen("127.0.0.1", move |mut stream| async move {
        let head = read_head(&mut stream).await;
        let lines = head.lines();
        let agents = lines.filter(|line| line.to_ascii_lowercase().starts_with("user-agent"));
        let is_right = fields
            .iter()
            .all(|(name, value)| field(&head, name) == Some(value));
        let answer = match is_right && agents.count() == 1 {
            true => switching_protocols(&head, ""),
            false => "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned(),
        };
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    open(&access, &format!("ws://{address}/")).await.unwrap();
}
