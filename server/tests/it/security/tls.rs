//! Nodes that speak TLS, and clients that verify them: rustls, with tungstenite and hyper over
//! it.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use highwater_server::{NodeConfig, ServerTls};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName},
    },
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::{
    gateway::rig::{self as gateway, TestGateway},
    rig::{TEST_TIMEOUT, TestCluster, TestNode, config, until},
};

/// An authority, and a folder with a certificate that it signed.
pub(super) struct TestAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    folder: TempDir,
}

impl TestAuthority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let authority = Self {
            issuer: Issuer::new(params, key),
            certificate,
            folder: TempDir::new().unwrap(),
        };
        authority.sign();
        authority
    }

    /// Replaces the files by a new certificate and its key.
    fn sign(&self) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(self.cert(), certificate.pem()).unwrap();
        fs::write(self.key(), key.serialize_pem()).unwrap();
        certificate.der().clone()
    }

    fn cert(&self) -> PathBuf {
        self.folder.path().join("node.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("node.key")
    }

    fn load(&self) -> Arc<ServerTls> {
        Arc::new(ServerTls::load(&self.cert(), &self.key()).unwrap())
    }

    pub(super) fn config(&self) -> NodeConfig {
        NodeConfig {
            tls: Some(self.load()),
            ..config("n1")
        }
    }

    /// Connects, trusting this authority only.
    pub(super) async fn try_connect(
        &self,
        node: SocketAddr,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        self.handshake(TcpStream::connect(node).await.unwrap())
            .await
    }

    /// Speaks TLS on a connection, trusting this authority only.
    pub(super) async fn handshake(&self, tcp: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connecting = TlsConnector::from(Arc::new(client)).connect(name, tcp);
        timeout(TEST_TIMEOUT, connecting).await.unwrap()
    }

    async fn connect(&self, node: &TestNode) -> TlsStream<TcpStream> {
        self.try_connect(node.address).await.unwrap()
    }

    async fn device(&self, node: &TestNode, id: &str) -> WebSocketStream<TlsStream<TcpStream>> {
        let url = format!("wss://{}/ws?device={id}", node.address);
        let (socket, _) = client_async(url, self.connect(node).await).await.unwrap();
        socket
    }

    async fn request(
        &self,
        node: &TestNode,
        method: &str,
        path: &str,
        body: &'static str,
    ) -> String {
        let io = TokioIo::new(self.connect(node).await);
        let (mut client, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "test")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(body.as_bytes())))
            .unwrap();
        let answer = client.send_request(request).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }
}

async fn ping_pong(socket: &mut WebSocketStream<TlsStream<TcpStream>>) {
    let ping = Message::Ping(Bytes::from_static(b"beat"));
    socket.send(ping).await.unwrap();
    let pong = timeout(TEST_TIMEOUT, socket.next()).await.unwrap();
    assert!(matches!(pong, Some(Ok(Message::Pong(_)))), "{pong:?}");
}

fn presented(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    let (_, session) = stream.get_ref();
    session.peer_certificates().unwrap()[0].clone().into_owned()
}

#[tokio::test]
async fn command_and_reply_pass_over_tls() {
    let authority = TestAuthority::new();
    let node = TestNode::start(authority.config());
    let mut device = authority.device(&node, "d1").await;
    ping_pong(&mut device).await;
    // Longer than a TLS record, in both directions.
    let long = "x".repeat(40_000);
    let body: &'static str = format!("{{\"name\":\"read\",\"body\":\"{long}\"}}").leak();
    let answer = authority.request(&node, "POST", "/devices/d1/commands", body);
    let echo = async {
        let Some(Ok(Message::Text(text))) = device.next().await else {
            panic!("no command");
        };
        let command: serde_json::Value = serde_json::from_str(&text).unwrap();
        let reply = serde_json::json!(
            {"type": "reply", "id": command["id"], "body": command["body"]}
        );
        device.send(Message::text(reply.to_string())).await.unwrap();
    };
    let (answer, ()) = tokio::join!(answer, echo);
    assert!(answer.contains(&long), "{answer:.100}");
}

#[tokio::test]
async fn closed_socket_ends_with_close_notify() {
    let authority = TestAuthority::new();
    let node = TestNode::start(authority.config());
    let mut device = authority.device(&node, "d1").await;
    device.send(Message::binary(vec![1])).await.unwrap();
    let closed = timeout(TEST_TIMEOUT, device.next()).await.unwrap();
    assert!(matches!(closed, Some(Ok(Message::Close(_)))), "{closed:?}");
    device.flush().await.unwrap();
    // Without close_notify, the end would be the error `UnexpectedEof`.
    let mut stream = device.into_inner();
    let end = timeout(TEST_TIMEOUT, stream.read(&mut [0; 16]))
        .await
        .unwrap();
    assert_eq!(end.unwrap(), 0);
}

#[tokio::test]
async fn certificate_of_another_authority_is_rejected() {
    let node = TestNode::start(TestAuthority::new().config());
    let other = TestAuthority::new();
    let connected = other.try_connect(node.address).await;
    let error = connected.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test]
async fn certificate_is_reloaded_while_sockets_stay_open() {
    let authority = TestAuthority::new();
    let config = authority.config();
    let tls = config.tls.clone().unwrap();
    let node = TestNode::start(config);
    let mut device = authority.device(&node, "d1").await;
    let first = presented(device.get_ref());

    let second = authority.sign();
    // New files alone change nothing until the reload.
    assert_eq!(presented(&authority.connect(&node).await), first);
    tls.reload().unwrap();
    assert_eq!(presented(&authority.connect(&node).await), second);
    ping_pong(&mut device).await;

    // An unusable key changes nothing.
    fs::write(authority.key(), "no key").unwrap();
    let error = tls.reload().unwrap_err().to_string();
    assert!(
        error.contains("node.key") && error.contains("private key"),
        "{error}"
    );
    assert_eq!(presented(&authority.connect(&node).await), second);
}

#[tokio::test]
async fn client_without_a_handshake_is_disconnected() {
    let authority = TestAuthority::new();
    let mut config = authority.config();
    // Short, because the test waits for it.
    config.limits.handshake_timeout = Duration::from_millis(50);
    let node = TestNode::start(config);
    let mut silent = TcpStream::connect(node.address).await.unwrap();
    let end = timeout(TEST_TIMEOUT, silent.read(&mut [0; 16]))
        .await
        .unwrap();
    assert_eq!(end.unwrap(), 0);
    let mut plain = TcpStream::connect(node.address).await.unwrap();
    plain.write_all(b"GET /ws HTTP/1.1\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    // TLS may send an alert, but the plain request gets no HTTP response.
    let _ = timeout(TEST_TIMEOUT, plain.read_to_end(&mut rest))
        .await
        .unwrap();
    assert!(!rest.starts_with(b"HTTP"));
    until("both failures are counted", async || {
        let metrics = authority.request(&node, "GET", "/metrics", "").await;
        metrics.contains("highwater_tls_handshakes_failed_total 2")
    })
    .await;
}

#[test]
fn unusable_files_are_named_with_the_defect() {
    let (authority, other) = (TestAuthority::new(), TestAuthority::new());
    let error = |cert: PathBuf, key: PathBuf| {
        let error = ServerTls::load(&cert, &key).unwrap_err().to_string();
        error
            .replace(authority.folder.path().to_str().unwrap(), "A")
            .replace(other.folder.path().to_str().unwrap(), "B")
    };
    let missing = authority.folder.path().join("missing.pem");
    assert_eq!(error(missing, authority.key()), "cannot read A/missing.pem");
    assert_eq!(
        error(authority.cert(), authority.cert()),
        "A/node.pem holds no private key in PEM: no items found"
    );
    assert_eq!(
        error(authority.key(), authority.key()),
        "A/node.key holds no certificate in PEM: no items found"
    );
    assert_eq!(
        error(authority.cert(), other.key()),
        "A/node.pem and B/node.key cannot be used together: the key is another certificate's"
    );
}

#[tokio::test]
async fn gateway_ends_tls_in_front_of_plain_nodes() {
    let authority = TestAuthority::new();
    let cluster = TestCluster::start(1).await;
    let mut config = gateway::config("g1", &cluster.ground);
    config.tls = Some(authority.load());
    let gateway = TestGateway::start_with_admin(config);
    gateway.has_up(1).await;
    let mut sockets = Vec::new();
    for device in ["d1", "d2"] {
        let url = format!("wss://{}/ws?device={device}", gateway.address);
        let stream = authority.try_connect(gateway.address).await.unwrap();
        let (socket, response) = client_async(url, stream).await.unwrap();
        assert_eq!(response.headers()["x-highwater-node"], "n1");
        sockets.push(socket);
    }
    let [mut sender, mut receiver] = <[_; 2]>::try_from(sockets).unwrap();
    let subscribe = r#"{"type":"subscribe","topic":"t"}"#;
    receiver.send(Message::text(subscribe)).await.unwrap();
    ping_pong(&mut receiver).await;
    // More than one record, and more than one read, in both directions.
    let long = "x".repeat(50_000);
    let publish = format!(r#"{{"type":"publish","topic":"t","body":"{long}"}}"#);
    sender.send(Message::text(publish)).await.unwrap();
    let message = timeout(TEST_TIMEOUT, receiver.next()).await.unwrap();
    let Some(Ok(Message::Text(message))) = message else {
        panic!("{message:?}")
    };
    assert!(message.contains(&long));
    drop(sender);
    until("the node has closed the socket", async || {
        cluster.nodes[0].metric("highwater_sockets").await == 1.0
    })
    .await;
}
