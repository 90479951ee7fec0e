//! Ports that stay free while a node or the broker is down.
//!
//! A port that the kernel picks comes from the range it gives to clients, too.
//! While a node is killed, clients keep trying its port; were it in that range,
//! one of them could be given the port itself, connect to itself, and keep the
//! node from coming back. Both therefore get ports below that range.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    net::TcpSocket,
    time::{Instant, sleep},
};

use super::TestbedError;

/// First port that is used for them.
const FIRST: u16 = 10_240;

/// Where they may end at the earliest: after more than any cluster has processes.
const MIN_RANGE_END: u16 = FIRST + 1_000;

/// First port for clients where the system does not tell; Linux's default.
const DEFAULT_EPHEMERAL_START: u16 = 32_768;

/// How often something is started again because its port was taken meanwhile.
const ATTEMPTS: u32 = 5;

/// Pause between two looks at a port that is taken.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A port that nobody else gets until it is let go. Nobody listens on it meanwhile:
/// whoever connects is refused.
#[derive(Debug)]
pub(super) struct ReservedPort {
    address: SocketAddr,
    socket: Mutex<Option<TcpSocket>>,
}

impl ReservedPort {
    /// One that was free.
    pub(super) fn reserve() -> Result<Self, TestbedError> {
        first_usable_port(|port| {
            let socket = TcpSocket::new_v4().ok()?;
            let address = local(port);
            // Without SO_REUSEADDR: two that have it may share a port until one listens.
            socket.bind(address).ok()?;
            Some(Self {
                address,
                socket: Mutex::new(Some(socket)),
            })
        })
    }

    /// Its address, on which the caller may listen from now on.
    pub(super) fn release(&self) -> SocketAddr {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        *socket = None;
        self.address
    }

    /// Its address.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Starts something on a free port; on another one if somebody else took that
/// between the look and the start.
pub(super) async fn start_on_free_port<S, F>(start: impl Fn(u16) -> F) -> Result<S, TestbedError>
where
    F: Future<Output = Result<S, TestbedError>>,
{
    start_on_free_ports(|[port]| start(port)).await
}

/// The same on several ports.
pub(super) async fn start_on_free_ports<const N: usize, S, F>(
    start: impl Fn([u16; N]) -> F,
) -> Result<S, TestbedError>
where
    F: Future<Output = Result<S, TestbedError>>,
{
    let mut attempt = 1;
    loop {
        let ports = pick_free_ports()?;
        let started = start(ports).await;
        if started.is_ok() || attempt == ATTEMPTS || ports.into_iter().all(is_free) {
            return started;
        }
        attempt += 1;
    }
}

/// Free ports on 127.0.0.1 outside the range for clients, different ones, and random,
/// so that several clusters on one machine rarely try the same.
fn pick_free_ports<const N: usize>() -> Result<[u16; N], TestbedError> {
    let mut picked = [0; N];
    for place in 0..N {
        let free = |port| (!picked.contains(&port) && is_free(port)).then_some(port);
        picked[place] = first_usable_port(free)?;
    }
    Ok(picked)
}

/// What the first port gives that gives something, from a random one on.
fn first_usable_port<T>(take: impl FnMut(u16) -> Option<T>) -> Result<T, TestbedError> {
    let end = range_end(ephemeral_start());
    let start = rand::random_range(FIRST..end);
    let mut candidates = (start..end).chain(FIRST..start);
    candidates.find_map(take).ok_or(TestbedError::NoPort {
        from: FIRST,
        to: end - 1,
    })
}

/// Whether a server could listen on this port of 127.0.0.1 now.
fn is_free(port: u16) -> bool {
    let listens = || {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(local(port))?;
        socket.listen(1)
    };
    listens().is_ok()
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Waits until a port is free.
pub(super) async fn wait_until_free(
    id: &str,
    port: u16,
    within: Duration,
) -> Result<(), TestbedError> {
    let deadline = Instant::now() + within;
    while !is_free(port) {
        if Instant::now() >= deadline {
            return Err(TestbedError::PortTaken {
                id: id.into(),
                port,
                waited: within,
            });
        }
        sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

/// The port after the last one that is used: the first for clients, unless that leaves
/// too few. A range for clients that begins so low is shared with them.
fn range_end(first_for_clients: u16) -> u16 {
    match first_for_clients {
        MIN_RANGE_END.. => first_for_clients,
        _ => DEFAULT_EPHEMERAL_START,
    }
}

fn ephemeral_start() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    range
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        .unwrap_or(DEFAULT_EPHEMERAL_START)
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn a_port_is_free_until_somebody_listens() {
        let [port] = pick_free_ports().unwrap();
        assert!(port < range_end(ephemeral_start()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        assert!(!is_free(port));
        let error = wait_until_free("n1", port, Duration::from_millis(1)).await;
        assert!(matches!(error, Err(TestbedError::PortTaken { .. })));
        drop(listener);
        wait_until_free("n1", port, Duration::from_secs(10))
            .await
            .unwrap();
    }

    #[test]
    fn a_range_for_clients_that_begins_low_is_shared_with_them() {
        assert_eq!(range_end(32_768), 32_768);
        assert_eq!(range_end(60_000), 60_000);
        assert_eq!(range_end(1_024), DEFAULT_EPHEMERAL_START);
        assert_eq!(range_end(FIRST), DEFAULT_EPHEMERAL_START);
    }

    #[tokio::test]
    async fn a_held_port_is_refused_to_all_until_it_is_let_go() {
        let held = ReservedPort::reserve().unwrap();
        let port = held.address().port();
        assert!(!is_free(port));
        let refused = TcpStream::connect(held.address()).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        assert_eq!(held.release().port(), port);
        assert!(is_free(port));
    }

    #[tokio::test]
    async fn several_ports_are_tried_anew_when_one_of_them_is_taken() {
        let taken = Mutex::new(Vec::new());
        let started = start_on_free_ports(|[first, second]| {
            let mut taken = taken.lock().unwrap();
            std::future::ready(match taken.is_empty() {
                // Somebody else comes between the look and the start.
                true => {
                    taken.push(std::net::TcpListener::bind(local(second)).unwrap());
                    Err(TestbedError::NotRunning { id: "b1".into() })
                }
                false => Ok([first, second]),
            })
        });
        let [first, second] = started.await.unwrap();
        assert_ne!(first, second);
        let taken = taken.into_inner().unwrap().remove(0);
        assert_ne!(taken.local_addr().unwrap().port(), second);
    }
}
