//! A member of the cluster that answers as a test wants. It must not be in a cluster with real
//! nodes, because it keeps no part of their directory.

use std::{
    collections::HashSet,
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use axum::{
    Json, Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use highwater_server::{
    GatewayPolicy,
    backplane::{Identity, JoinedBackplane, MemberRole, join},
    listen,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::sync::CancellationToken;

use super::rig::{TestGateway, config};
use crate::{
    ground::{Ground, TestBackplaneKind},
    rig::{TEST_TIMEOUT, any_port},
};

/// A node that echoes requests and accepts every socket, unless it hangs or is full. The response
/// of `/silent` begins and never ends.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    pub(crate) behaviour: Arc<Behaviour>,
    _joined: JoinedBackplane,
    stop: CancellationToken,
}

#[derive(Default)]
pub(crate) struct Behaviour {
    hangs: AtomicBool,
    is_full: AtomicBool,
    /// Requested paths, except `/readyz`.
    requested: Mutex<Vec<String>>,
    /// The addresses of the clients that requested them.
    peers: Mutex<HashSet<SocketAddr>>,
}

impl Behaviour {
    /// Turns hanging on or off: a node that hangs gives no answer.
    pub(crate) fn hang(&self, hangs: bool) {
        self.hangs.store(hangs, SeqCst);
    }

    /// Answers 503 to everything except health checks from now on.
    pub(crate) fn fill(&self) {
        self.is_full.store(true, SeqCst);
    }

    /// Returns the number of connections that sent requests.
    pub(crate) fn connections(&self) -> usize {
        self.peers.lock().len()
    }

    pub(crate) fn requested(&self) -> Vec<String> {
        self.requested.lock().clone()
    }
}

impl Fake {
    /// Starts a member that answers.
    pub(crate) fn join(ground: &Ground, id: &str) -> Self {
        let listener = listen(any_port()).unwrap();
        let address = listener.local_addr().unwrap();
        let behaviour = Arc::<Behaviour>::default();
        let stop = CancellationToken::new();
        let serving = serve(listener, Arc::clone(&behaviour));
        tokio::spawn(stop.clone().run_until_cancelled_owned(serving));
        Self {
            address,
            behaviour,
            _joined: member(ground, id, address),
            stop,
        }
    }

    /// Starts a member that answers health checks and closes the connection of any other
    /// request.
    pub(crate) fn brittle(ground: &Ground, id: &str) -> Self {
        let listener = listen(any_port()).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(hang_up(listener)));
        Self {
            address,
            behaviour: Arc::default(),
            _joined: member(ground, id, address),
            stop,
        }
    }

    /// Starts a member at whose address no process listens.
    pub(crate) fn absent(ground: &Ground, id: &str) -> Self {
        // Bound and released: the kernel gives the port to no other process for a while.
        let address = listen(any_port()).unwrap().local_addr().unwrap();
        Self {
            address,
            behaviour: Arc::default(),
            _joined: member(ground, id, address),
            stop: CancellationToken::new(),
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn member(ground: &Ground, id: &str, address: SocketAddr) -> JoinedBackplane {
    let identity = Identity {
        id: id.parse().unwrap(),
        // Never restarted, so any number will do.
        incarnation: 1,
        address: Some(address.to_string()),
        role: MemberRole::Node,
    };
    join(&ground.config(), identity, CancellationToken::new())
}

async fn hang_up(listener: TcpListener) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 1024];
        let read = stream.read(&mut head).await.unwrap_or(0);
        if head[..read].starts_with(b"GET /readyz ") {
            let ready = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(ready).await;
        }
    }
}

async fn serve(listener: TcpListener, behaviour: Arc<Behaviour>) {
    let routes = Router::new().fallback(respond).with_state(behaviour);
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, routes).await.unwrap();
}

async fn respond(
    State(behaviour): State<Arc<Behaviour>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Response {
    let path = request.uri().path().to_owned();
    if behaviour.hangs.load(SeqCst) {
        std::future::pending::<()>().await;
    }
    if path == "/readyz" {
        return "ready\n".into_response();
    }
    behaviour.requested.lock().push(path);
    behaviour.peers.lock().insert(peer);
    if behaviour.is_full.load(SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if request.uri().path() == "/silent" {
        let begun = stream::iter([Ok::<_, Infallible>("begun")]);
        return Body::from_stream(begun.chain(stream::pending())).into_response();
    }
    match request.headers().get(header::SEC_WEBSOCKET_KEY) {
        Some(key) => {
            let accept = derive_accept_key(key.as_bytes());
            accept_socket(&mut request, accept)
        }
        None => Json(describe(&request)).into_response(),
    }
}

/// Accepts a socket, and sends nothing on it.
fn accept_socket(request: &mut Request, accept: String) -> Response {
    let upgrade = hyper::upgrade::on(request);
    tokio::spawn(async move {
        // Held, because dropping it would close the socket.
        let _held = upgrade.await;
        std::future::pending::<()>().await;
    });
    let fields = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, fields).into_response()
}

/// Returns the request as JSON. Repeated fields are joined.
fn describe(request: &Request) -> Value {
    let mut fields = serde_json::Map::new();
    for name in request.headers().keys() {
        let values = request.headers().get_all(name).iter();
        let values: Vec<&str> = values.map(|value| value.to_str().unwrap()).collect();
        fields.insert(name.to_string(), json!(values.join("; ")));
    }
    json!({
        "method": request.method().as_str(),
        "uri": request.uri().to_string(),
        "fields": fields,
    })
}

/// Returns a round-robin gateway in front of `n1` and `n2`, of which the second hangs.
pub(crate) async fn gateway_with_hung_node() -> (TestGateway, [Fake; 2]) {
    let ground = TestBackplaneKind::Local.ground();
    let nodes = ["n1", "n2"].map(|id| Fake::join(&ground, id));
    let mut config = config("g1", &ground);
    config.policy = GatewayPolicy::RoundRobin;
    // Longer than a test, so that only the failed health checks end the wait for the node.
    config.limits.response_timeout = TEST_TIMEOUT * 10;
    config.limits.upgrade_timeout = TEST_TIMEOUT * 10;
    let gateway = TestGateway::in_front(config, 2).await;
    nodes[1].behaviour.hang(true);
    (gateway, nodes)
}
