//! The ends of ports and files, in a network namespace with few ephemeral ports.

use std::{fs, net::IpAddr, time::Duration};

use highwater_loadgen::worker::source_address::{SOCKETS_PER_ADDRESS, SourceAddresses};
use highwater_scenarios::Segment;
use highwater_services::run_in_namespace;
use nix::sys::resource::{Resource, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::fixture::{LONG, listen, open_from, read_head, switching_protocols};

const TEST: &str = "connect::ports::ports_and_files_that_end_are_named";
/// Ephemeral ports of the namespace.
const PORTS: usize = 50;
const PREPARE: &str = "ip link set lo up && test -w /proc/sys/net/ipv4/ip_local_port_range";

#[test]
fn ports_and_files_that_end_are_named() {
    let body = || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(reach_the_ends());
    };
    if let Err(reason) = run_in_namespace(TEST, PREPARE, body) {
        println!("skipped: {reason}");
    }
}

fn set_port_range(range: &str) {
    fs::write("/proc/sys/net/ipv4/ip_local_port_range", range).unwrap();
}

async fn reach_the_ends() {
    // The servers' own ports are not among those that end.
    set_port_range("50000 50099");
    let server = listen("127.0.0.1", |mut stream| async move {
        let head = read_head(&mut stream).await;
        let answer = switching_protocols(&head, "");
        stream.write_all(answer.as_bytes()).await.unwrap();
        // An error says that the device has left.
        let _ = stream.read_u8().await;
    })
    .await;
    let server = format!("ws://{server}/");
    let silent = listen("127.0.0.1", |mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let silent = format!("ws://{silent}/");
    set_port_range("40000 40049");
    let address = |last| IpAddr::from([127, 0, 7, last]);

    // Ports that the kernel chooses, of one address and of two.
    assert_eq!(fill(vec![address(1)], 0, &server).await, PORTS);
    assert_eq!(
        fill(vec![address(2), address(3)], 0, &server).await,
        2 * PORTS
    );
    // Ports that the worker proposes.
    let later = SOCKETS_PER_ADDRESS;
    assert_eq!(fill(vec![address(4)], later, &server).await, PORTS);

    let sources = SourceAddresses::new(vec![address(5)], Segment::whole());
    let failure = async |address: &str, timeout| {
        let opened = open_from(&sources, 0, address, timeout).await;
        opened.map(drop).unwrap_err()
    };
    // Nothing listens at port 1.
    assert_eq!(failure("ws://127.0.0.1:1/", LONG).await, "refused");
    assert_eq!(
        failure(&silent, Duration::from_millis(300)).await,
        "timeout"
    );
    let foreign = SourceAddresses::new(vec![[192, 0, 2, 1].into()], Segment::whole());
    let opened = open_from(&foreign, 0, &server, LONG).await;
    assert_eq!(opened.map(drop).unwrap_err(), "unreachable");
    // The limit holds for new files only.
    setrlimit(Resource::RLIMIT_NOFILE, 3, 3).unwrap();
    assert_eq!(failure(&server, LONG).await, "no_file");
}

/// Opens sockets from these addresses until none opens any more. Returns how many opened.
async fn fill(addresses: Vec<IpAddr>, first: u32, server: &str) -> usize {
    let sources = SourceAddresses::new(addresses, Segment::whole());
    let mut sockets = Vec::new();
    let failure = loop {
        let number = first + sockets.len() as u32;
        match open_from(&sources, number, server, LONG).await {
            Ok(socket) => sockets.push(socket),
            Err(kind) => break kind,
        }
    };
    assert_eq!(failure, "no_port");
    sockets.len()
}
