//! The cost of a heartbeat at the device's end: ping out, pong in, counted and timed.
//!
//! The reference is the same number of bytes over a plain TCP connection in the same run.
//! The peer is the same in both cases: a task that answers each 10 bytes with 6. These are
//! the sizes of a masked ping with four bytes of payload and of its pong.

mod peer;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::StreamExt;
use highwater_loadgen::access::{ClientAccess, ClientOptions, Environment};
use highwater_loadgen::keys::DeviceKey;
use highwater_loadgen::worker::{
    devices::{connect::connect, connect_request::ConnectRequest, upgrade::DeviceSocket},
    dialect::{Dialect, Incoming, plain::Plain},
    frames::{PoolProtocol, SocketFrames, SocketIdentity},
    heartbeat::{DeviceHeartbeat, HeartbeatAction},
    recorder::Recorder,
    source_address::SourceAddresses,
    values::{DeviceValues, PoolValues},
};
use highwater_scenarios::{Segment, frames::CompiledHeartbeat};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    time::Instant,
};
use tokio_tungstenite::tungstenite::Message;

use peer::{PING, PONG, serve};

async fn send_heartbeat(
    socket: &mut DeviceSocket,
    heartbeat: &mut DeviceHeartbeat,
    recorder: &Recorder,
) {
    let HeartbeatAction::Send(number) = heartbeat.on_due(Instant::now(), 2, recorder) else {
        panic!("the last heartbeat was answered");
    };
    socket
        .send(Plain.heartbeat_frame(number))
        .await
        .expect("the peer listens");
    let frame = socket.next().await.expect("an open socket");
    let frame = frame.expect("a frame");
    match Plain.decode(&frame) {
        Incoming::HeartbeatAnswer(number) => heartbeat.on_answer(number, Instant::now(), recorder),
        other => panic!("a heartbeat's answer was expected: {other:?}"),
    }
}

async fn tcp_round_trip(stream: &mut TcpStream) {
    stream
        .write_all(&[0; PING])
        .await
        .expect("the peer listens");
    stream
        .read_exact(&mut [0; PONG])
        .await
        .expect("the peer answers");
}

fn heartbeat(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let (mut socket, mut plain) = runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        tokio::spawn(serve(listener));
        let client_options =
            ClientOptions::new(&ClientAccess::default()).expect("nothing to verify");
        let request = ConnectRequest {
            address: &format!("ws://{address}/"),
            dialect: &Plain,
            header_lines: "",
            max_message_bytes: 1 << 20,
            client_options: &client_options,
            sources: &SourceAddresses::default(),
            device_number: 0,
        };
        let socket = connect(request, Duration::from_secs(5)).await;
        let plain = TcpStream::connect(address).await.expect("a connection");
        plain.set_nodelay(true).expect("nodelay");
        (socket.map(|opened| opened.socket).expect("a socket"), plain)
    });
    let recorder = Recorder::default();
    let period = Duration::from_secs(20);
    let mut state = DeviceHeartbeat::new(Instant::now(), period);

    let mut group = c.benchmark_group("device heartbeat");
    group.bench_function("ping and pong, counted and timed", |b| {
        b.iter(|| runtime.block_on(send_heartbeat(&mut socket, &mut state, &recorder)));
    });
    group.bench_function("reference: the same bytes over TCP", |b| {
        b.iter(|| runtime.block_on(tcp_round_trip(&mut plain)));
    });
    group.finish();
}

fn sample(c: &mut Criterion) {
    use highwater_loadgen::worker::recorder::{Count, Timing};
    let recorder = Recorder::default();
    let mut micros = 0;
    let mut group = c.benchmark_group("sample");
    group.bench_function("one count and one latency", |b| {
        b.iter(|| {
            micros = (micros * 31 + 7) % 1_000_000;
            recorder.count(Count::HeartbeatsAcknowledged);
            recorder.time(Timing::HeartbeatResponse, Duration::from_micros(micros));
        });
    });
    group.bench_function("reference: reading the clock", |b| b.iter(Instant::now));
    group.finish();
}

/// A heartbeat in JSON without its way through the network: the share of the frames.
fn json_heartbeat(c: &mut Criterion) {
    let plan = highwater_scenarios::parse("bench.toml", JSON_SCENARIO, &[]);
    let plan = plan.expect("a valid scenario");
    let options = ClientOptions::new(&ClientAccess::default()).expect("no certificates");
    let values = PoolValues::compile_all(&plan, Segment::whole(), Vec::new(), &options);
    let values = values.expect("no placeholders of a login");
    let environment = Environment::default();
    let protocol = PoolProtocol::compile(&plan, &plan.devices[0], &environment);
    let protocol = protocol.expect("valid frames").expect("frames");
    let Some(CompiledHeartbeat::Send { send, .. }) = &protocol.frames.heartbeat else {
        panic!("the heartbeat is a frame");
    };
    let identity = SocketIdentity {
        device: DeviceValues {
            pool: &plan.devices[0],
            device: DeviceKey { pool: 0, index: 0 },
            worker: 0,
            values: &values[0],
            environment: &environment,
        },
        protocol: &protocol,
    };
    let recorder = Recorder::default();
    let mut frames = SocketFrames::new(identity);
    let mut state = DeviceHeartbeat::new(Instant::now(), Duration::from_secs(20));
    let mut number = 0_u64;

    let mut group = c.benchmark_group("device heartbeat in JSON");
    group.bench_function("rendered, matched, counted and timed", |b| {
        b.iter(|| {
            number += 1;
            state.on_due(Instant::now(), 2, &recorder);
            let sent = frames.heartbeat_message(identity, send);
            let answer = Message::text(format!(r#"{{"type":"pong","id":"{number}"}}"#));
            frames.on_frame(identity, &mut state, &answer, &recorder, |_, _| false);
            sent
        });
    });
    group.bench_function("reference: the answer, formatted and parsed", |b| {
        b.iter(|| {
            number += 1;
            let answer = format!(r#"{{"type":"pong","id":"{number}"}}"#);
            serde_json::from_str::<serde_json::Value>(&answer)
        });
    });
    group.finish();
}

const JSON_SCENARIO: &str = r#"
    name = "bench"
    duration = "1m"
    [target]
    ws = "ws://h"
    [[devices]]
    name = "home"
    count = 1
    ramp = "1/s"
    heartbeat = { every = "20s", send = '{"type":"ping","id":"{ref}"}', expect = { json = { type = "pong", id = "{ref}" } } }
"#;

criterion_group!(benches, heartbeat, json_heartbeat, sample);
criterion_main!(benches);
