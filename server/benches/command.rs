//! The cost of a request between two nodes, by each backplane whose server is on this
//! machine. The reference is two plain TCP ping-pongs of the same payload in the same run,
//! since a request and its reply pass the broker: two hops each way.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot be set up should stop"
)]

use std::net::SocketAddr;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use highwater_server::{
    BrokerConfig, NodeId,
    backplane::{BackplaneConfig, Identity, Inbound, JoinedBackplane, MemberRole, join},
    broker, listen,
};
use highwater_services::{RedisOptions, RedisService};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// A payload about as long as a command or its reply.
const PAYLOAD: [u8; 128] = [7; 128];

/// Listens on a free port of this machine.
fn listener() -> TcpListener {
    listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap()
}

async fn join_cluster(url: &str, id: &str) -> JoinedBackplane {
    let url = url.parse().unwrap();
    let identity = Identity {
        id: id.parse().unwrap(),
        incarnation: 1,
        address: None,
        role: MemberRole::Node,
    };
    let config = BackplaneConfig::for_url(Some(url));
    join(&config, identity, CancellationToken::new())
}

/// Starts an embedded broker and returns its URL.
async fn start_broker() -> String {
    let listener = listener();
    let address = listener.local_addr().unwrap();
    tokio::spawn(broker::run(
        listener,
        BrokerConfig::default(),
        CancellationToken::new(),
    ));
    format!("local://{address}")
}

/// Starts a node that answers every request with its payload, and returns the caller.
async fn caller_and_owner(url: &str) -> JoinedBackplane {
    let caller = join_cluster(url, "caller").await;
    let mut owner = join_cluster(url, "owner").await;
    tokio::spawn(async move {
        while let Some(inbound) = owner.inbound.recv().await {
            if let Inbound::Request {
                reply_to, payload, ..
            } = inbound
            {
                owner.backplane.reply(&reply_to, payload).unwrap();
            }
        }
    });
    // Requests to a node that is not a member yet fail at once.
    let mut view = caller.backplane.view();
    view.wait_for(|view| view.members.len() == 2).await.unwrap();
    caller
}

async fn echo() -> TcpStream {
    let listener = listener();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // As the backplanes do, so that the reference does not wait for acknowledgements.
        stream.set_nodelay(true).unwrap();
        let mut payload = PAYLOAD;
        while stream.read_exact(&mut payload).await.is_ok() {
            stream.write_all(&payload).await.unwrap();
        }
    });
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

async fn two_ping_pongs(stream: &mut TcpStream) {
    let mut payload = PAYLOAD;
    for _ in 0..2 {
        stream.write_all(&payload).await.unwrap();
        stream.read_exact(&mut payload).await.unwrap();
    }
}

async fn request(caller: &JoinedBackplane, owner: &NodeId) {
    let deadline = Instant::now() + Duration::from_secs(5);
    let payload = Bytes::from_static(&PAYLOAD);
    let reply = caller
        .backplane
        .request(owner, payload, deadline)
        .await
        .unwrap();
    assert_eq!(reply[..], PAYLOAD);
}

fn command(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let owner: NodeId = "owner".parse().unwrap();
    let mut group = criterion.benchmark_group("command");
    let mut stream = runtime.block_on(echo());
    group.bench_function("two tcp ping-pongs", |b| {
        b.iter(|| runtime.block_on(two_ping_pongs(&mut stream)));
    });
    let url = runtime.block_on(start_broker());
    let mut backplanes = vec![("local", url, None)];
    match RedisService::start(RedisOptions::default()) {
        Ok(redis) => backplanes.push(("redis", redis.url(), Some(redis))),
        Err(error) => eprintln!("without Redis: {error}"),
    }
    // The list owns the servers, which end when it is dropped.
    for (name, url, _server) in &backplanes {
        let caller = runtime.block_on(caller_and_owner(url));
        group.bench_function(format!("request by {name}"), |b| {
            b.iter(|| runtime.block_on(request(&caller, &owner)));
        });
    }
    group.finish();
}

criterion_group!(benches, command);
criterion_main!(benches);
