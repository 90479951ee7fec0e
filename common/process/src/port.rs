//! Ports on 127.0.0.1 that stay free while a child is down.
//!
//! The kernel also takes the ports that it picks for servers from the range of clients.
//! While a server is down, clients keep trying its port. If the port were in that range,
//! the kernel could give it to such a client, which would then connect to itself and keep
//! the server from coming back. Ports here are therefore below that range.

use std::{
    collections::BTreeSet,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    net::TcpSocket,
    time::{Instant, sleep},
};

/// First port that is used: above the registered ports of most services.
const FIRST: u16 = 10_240;

/// Lowest end of the range: more ports than any cluster has processes.
const MIN_RANGE_END: u16 = FIRST + 1_000;

/// First port for clients by Linux's default, for a system that does not say.
const DEFAULT_EPHEMERAL_START: u16 = 32_768;

/// Most starts on ports that other processes took meanwhile.
const ATTEMPTS: u32 = 5;

/// Pause between two checks of a taken port.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The ports that this process has picked, whose servers may not listen yet.
static ASSIGNED: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// An error for a range in which every port is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no port in {from}-{to} is free on 127.0.0.1")]
pub struct NoFreePort {
    /// First port tried.
    pub from: u16,
    /// Last port tried.
    pub to: u16,
}

/// A port that is bound but has no listener until it is released. Clients that connect
/// meanwhile are refused, and no other process gets the port.
#[derive(Debug)]
pub struct ReservedPort {
    address: SocketAddr,
    socket: Mutex<Option<TcpSocket>>,
}

impl ReservedPort {
    /// Reserves a free port.
    ///
    /// # Errors
    ///
    /// [`NoFreePort`].
    pub fn reserve() -> Result<Self, NoFreePort> {
        assign(|port| {
            let socket = TcpSocket::new_v4().ok()?;
            let address = local(port);
            // Without SO_REUSEADDR: two sockets that have it may share a port until one
            // of them listens.
            socket.bind(address).ok()?;
            let reserved = Self {
                address,
                socket: Mutex::new(Some(socket)),
            };
            Some((port, reserved))
        })
    }

    /// Unbinds the port and returns its address, for the caller to listen on.
    pub fn release(&self) -> SocketAddr {
        // The port is free at once: a socket that was never connected leaves no TIME_WAIT.
        *self.socket.lock() = None;
        self.address
    }

    /// Returns the address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Picks a random free port, which this process is not given again. It is random because
/// other processes pick theirs at the same time.
///
/// # Errors
///
/// [`NoFreePort`].
pub fn pick_free_port() -> Result<u16, NoFreePort> {
    assign(|port| is_free(port).then_some((port, port)))
}

/// Starts a server on a free port, and on another one if the first was taken meanwhile.
///
/// # Errors
///
/// [`NoFreePort`], or the error of the last start.
pub async fn start_on_free_port<S, E, F>(start: impl Fn(u16) -> F) -> Result<S, E>
where
    E: From<NoFreePort>,
    F: Future<Output = Result<S, E>>,
{
    start_on_free_ports(|[port]| start(port)).await
}

/// Starts a server that needs several ports, as [`start_on_free_port`] does.
///
/// # Errors
///
/// [`NoFreePort`], or the error of the last start.
pub async fn start_on_free_ports<const N: usize, S, E, F>(
    start: impl Fn([u16; N]) -> F,
) -> Result<S, E>
where
    E: From<NoFreePort>,
    F: Future<Output = Result<S, E>>,
{
    let mut attempt = 1;
    loop {
        let ports = pick_free_ports()?;
        let started = start(ports).await;
        // If all ports are still free, then the start failed for another reason.
        if started.is_ok() || attempt == ATTEMPTS || ports.into_iter().all(is_free) {
            return started;
        }
        attempt += 1;
    }
}

/// Waits until a server could listen on a port, and returns whether that came in time.
pub async fn becomes_free(port: u16, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    while !is_free(port) {
        if Instant::now() >= deadline {
            return false;
        }
        sleep(POLL_INTERVAL).await;
    }
    true
}

fn pick_free_ports<const N: usize>() -> Result<[u16; N], NoFreePort> {
    let mut picked = [0; N];
    for port in &mut picked {
        *port = pick_free_port()?;
    }
    Ok(picked)
}

/// Calls `take` with ports until one gives something, and remembers that port.
fn assign<T>(mut take: impl FnMut(u16) -> Option<(u16, T)>) -> Result<T, NoFreePort> {
    let mut assigned = ASSIGNED.lock();
    let new = first_usable_port(|port| (!assigned.contains(&port)).then(|| take(port))?);
    let (port, taken) = match new {
        Ok(new) => new,
        // A long run may have had every port once: it then gets those that are free again.
        Err(_) => {
            assigned.clear();
            first_usable_port(take)?
        }
    };
    assigned.insert(port);
    Ok(taken)
}

/// Calls `take` with each port from a random one on, and returns the first result.
fn first_usable_port<T>(take: impl FnMut(u16) -> Option<T>) -> Result<T, NoFreePort> {
    let end = range_end(ephemeral_start());
    let start = rand::random_range(FIRST..end);
    let mut candidates = (start..end).chain(FIRST..start);
    candidates.find_map(take).ok_or(NoFreePort {
        from: FIRST,
        to: end - 1,
    })
}

/// Whether a server could listen on a port now. std sets SO_REUSEADDR, as servers do, so
/// connections in TIME_WAIT do not matter.
fn is_free(port: u16) -> bool {
    TcpListener::bind(local(port)).is_ok()
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Returns the port after the last one that is used. It is the first port for clients,
/// unless that leaves too few: a range that begins so low is shared with the clients.
fn range_end(ephemeral_start: u16) -> u16 {
    match ephemeral_start {
        MIN_RANGE_END.. => ephemeral_start,
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
    use tokio::net::TcpStream;

    use super::*;

    #[derive(Debug)]
    struct StartFailed;

    impl From<NoFreePort> for StartFailed {
        fn from(_: NoFreePort) -> Self {
            Self
        }
    }

    /// Listens on a picked port. A child that another test starts holds the picker's socket until
    /// it executes its program.
    async fn listen(port: u16) -> TcpListener {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match TcpListener::bind(local(port)) {
                Ok(listener) => return listener,
                Err(error) => assert!(Instant::now() < deadline, "port {port}: {error}"),
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    #[tokio::test]
    async fn port_is_free_unless_a_server_listens() {
        let port = pick_free_port().unwrap();
        assert!(port < range_end(ephemeral_start()));
        let listener = listen(port).await;
        assert!(!is_free(port));
        assert!(!becomes_free(port, Duration::from_millis(1)).await);
        drop(listener);
        assert!(becomes_free(port, Duration::from_secs(10)).await);
    }

    #[test]
    fn picked_port_is_not_picked_again() {
        let ports: BTreeSet<u16> = (0..100).map(|_| pick_free_port().unwrap()).collect();
        assert_eq!(ports.len(), 100);
    }

    #[test]
    fn low_range_of_clients_is_shared_with_them() {
        assert_eq!(range_end(32_768), 32_768);
        assert_eq!(range_end(60_000), 60_000);
        assert_eq!(range_end(1_024), DEFAULT_EPHEMERAL_START);
        assert_eq!(range_end(FIRST), DEFAULT_EPHEMERAL_START);
    }

    #[tokio::test]
    async fn reserved_port_refuses_clients_until_it_is_released() {
        let reserved = ReservedPort::reserve().unwrap();
        let port = reserved.address().port();
        assert!(!is_free(port));
        let refused = TcpStream::connect(reserved.address()).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        assert_eq!(reserved.release().port(), port);
        // Another test's child holds a copy of every socket between its fork and its exec.
        assert!(becomes_free(port, Duration::from_secs(10)).await);
    }

    #[tokio::test]
    async fn start_is_repeated_on_other_ports_when_one_is_taken() {
        let taken = Mutex::new(Vec::new());
        let started = start_on_free_ports(|[first, second]| {
            let mut taken = taken.lock();
            std::future::ready(match taken.is_empty() {
                // Another process takes the port between the check and the start.
                true => {
                    taken.push(TcpListener::bind(local(second)).unwrap());
                    Err(StartFailed)
                }
                false => Ok([first, second]),
            })
        });
        let [first, second] = started.await.unwrap();
        assert_ne!(first, second);
        let taken = taken.into_inner().remove(0);
        assert_ne!(taken.local_addr().unwrap().port(), second);
    }
}
