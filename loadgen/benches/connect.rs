//! The cost of opening a socket: TCP, the handshake, an open socket.
//!
//! The reference is a plain tokio-tungstenite client in the same run, from a source address of
//! its own as well. The server is the same in both cases and runs in the same thread, so that
//! the time of an iteration is the CPU time of both ends.

mod peer;

use std::{net::SocketAddr, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use highwater_loadgen::{
    access::{ClientAccess, ClientOptions},
    worker::{
        devices::{connect::connect, connect_request::ConnectRequest, upgrade::DeviceSocket},
        dialect::plain::Plain,
        source_address::SourceAddresses,
    },
};
use highwater_scenarios::Segment;
use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    runtime::{Builder, Runtime},
};
use tokio_tungstenite::{WebSocketStream, client_async};

/// A client of each kind, whose connections have a source address for some thousand of them:
/// ports that were in use are free again only after a minute.
struct Clients {
    address: SocketAddr,
    options: ClientOptions,
    sources: SourceAddresses,
    reference_sources: SourceAddresses,
    opened: u32,
}

impl Clients {
    async fn open_device(&mut self) -> DeviceSocket {
        self.opened += 1;
        let request = ConnectRequest {
            address: &format!("ws://{}/", self.address),
            dialect: &Plain,
            header_lines: "",
            max_message_bytes: 1 << 20,
            client_options: &self.options,
            sources: &self.sources,
            device_number: self.opened,
        };
        let opened = connect(request, Duration::from_secs(5)).await;
        opened.map(|opened| opened.socket).expect("a socket")
    }

    async fn open_reference(&mut self) -> WebSocketStream<TcpStream> {
        self.opened += 1;
        let source = self
            .reference_sources
            .for_device(self.address.ip(), self.opened);
        let socket = TcpSocket::new_v4().expect("a socket");
        setsockopt(&socket, IpBindAddressNoPort, &true).expect("a late port");
        let source = SocketAddr::from((source.address.expect("loopback"), 0));
        socket.bind(source).expect("an address");
        let stream = socket.connect(self.address).await.expect("a connection");
        stream.set_nodelay(true).expect("nodelay");
        let request = format!("ws://{}/", self.address);
        let (socket, _) = client_async(request, stream).await.expect("a handshake");
        socket
    }
}

fn opening(c: &mut Criterion) {
    let runtime: Runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut clients = runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        tokio::spawn(peer::serve(listener));
        let second = Segment::new(1, 2).expect("a segment");
        Clients {
            address,
            options: ClientOptions::new(&ClientAccess::default()).expect("nothing to verify"),
            sources: SourceAddresses::default(),
            // Those of another worker.
            reference_sources: SourceAddresses::new(Vec::new(), second),
            opened: 0,
        }
    });
    let mut group = c.benchmark_group("device connect");
    group.bench_function("a device's socket", |b| {
        b.iter(|| runtime.block_on(clients.open_device()));
    });
    group.bench_function("reference: a plain tokio-tungstenite client", |b| {
        b.iter(|| runtime.block_on(clients.open_reference()));
    });
    group.finish();
}

criterion_group!(benches, opening);
criterion_main!(benches);
