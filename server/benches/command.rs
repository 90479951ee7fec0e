//! A request through the local backplane between two nodes (two hops each way, by
//! the broker), beside two plain TCP ping-pongs of the same payload in the same run.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot be set up should stop"
)]

use std::net::SocketAddr;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use highwater_server::{
    BrokerConfig, NodeId,
    backplane::{BackplaneConfig, Identity, Inbound, Joined, join},
    broker, listen,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// About what a command and its reply take.
const PAYLOAD: [u8; 128] = [7; 128];

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn joined(broker: SocketAddr, id: &str) -> Joined {
    let url = format!("local://{broker}").parse().unwrap();
    let identity = Identity {
        id: id.parse().unwrap(),
        boot: 1,
        address: None,
    };
    join(
        &BackplaneConfig::at(Some(url)),
        identity,
        CancellationToken::new(),
    )
}

/// A caller, and a node that answers every request with its payload.
async fn pair() -> Joined {
    let listener = listen(any_port()).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(broker::run(
        listener,
        BrokerConfig::default(),
        CancellationToken::new(),
    ));
    let caller = joined(address, "caller").await;
    let mut owner = joined(address, "owner").await;
    tokio::spawn(async move {
        while let Some(inbound) = owner.inbox.recv().await {
            if let Inbound::Request {
                reply_to, payload, ..
            } = inbound
            {
                owner.backplane.reply(&reply_to, payload).unwrap();
            }
        }
    });
    let mut view = caller.backplane.view();
    view.wait_for(|view| view.members.len() == 2).await.unwrap();
    caller
}

async fn echo() -> TcpStream {
    let listener = listen(any_port()).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
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

async fn request(caller: &Joined, owner: &NodeId) {
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
    let (caller, mut stream) = runtime.block_on(async { (pair().await, echo().await) });
    let owner: NodeId = "owner".parse().unwrap();
    let mut group = criterion.benchmark_group("command");
    group.bench_function("two tcp ping-pongs", |b| {
        b.iter(|| runtime.block_on(two_ping_pongs(&mut stream)));
    });
    group.bench_function("request through the local backplane", |b| {
        b.iter(|| runtime.block_on(request(&caller, &owner)));
    });
    group.finish();
}

criterion_group!(benches, command);
criterion_main!(benches);
