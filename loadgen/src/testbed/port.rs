//! Ports that stay free while a node or the broker is down.
//!
//! A port that the kernel picks comes from the range it gives to clients, too.
//! While a node is killed, clients keep trying its port; were it in that range,
//! one of them could be given the port itself, connect to itself, and keep the
//! node from coming back. Both therefore get ports below that range.

use std::{fs, net::Ipv4Addr, time::Duration};

use tokio::{
    net::TcpSocket,
    time::{Instant, sleep},
};

use super::TestbedError;

/// First port that is used for them.
const FIRST: u16 = 10_240;

/// First port for clients where the system does not tell; Linux's default.
const FIRST_FOR_CLIENTS: u16 = 32_768;

/// How often something is started again because its port was taken meanwhile.
const ATTEMPTS: u32 = 5;

/// Pause between two looks at a port that is taken.
const PAUSE: Duration = Duration::from_millis(50);

/// Starts something on a free port; on another one if somebody else took that
/// between the look and the start.
pub(super) async fn start_on_one<S, F>(start: impl Fn(u16) -> F) -> Result<S, TestbedError>
where
    F: Future<Output = Result<S, TestbedError>>,
{
    let mut attempt = 1;
    loop {
        let port = pick()?;
        let started = start(port).await;
        if started.is_ok() || attempt == ATTEMPTS || is_free(port) {
            return started;
        }
        attempt += 1;
    }
}

/// A free port on 127.0.0.1 outside the range for clients, a random one, so
/// that several clusters on one machine rarely try the same.
pub(super) fn pick() -> Result<u16, TestbedError> {
    pick_other(&[])
}

/// The same, and none of these.
pub(super) fn pick_other(than: &[u16]) -> Result<u16, TestbedError> {
    let end = first_for_clients().max(FIRST + 1);
    let ports = end - FIRST;
    let offset = rand::random_range(0..ports);
    let mut candidates = (0..ports).map(|step| FIRST + (offset + step) % ports);
    candidates
        .find(|port| !than.contains(port) && is_free(*port))
        .ok_or(TestbedError::NoPort {
            from: FIRST,
            to: end - 1,
        })
}

/// Whether a server could listen on this port of 127.0.0.1 now.
fn is_free(port: u16) -> bool {
    let listens = || {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
        socket.listen(1)
    };
    listens().is_ok()
}

/// Waits until a port is free.
pub(super) async fn until_free(id: &str, port: u16, within: Duration) -> Result<(), TestbedError> {
    let deadline = Instant::now() + within;
    while !is_free(port) {
        if Instant::now() >= deadline {
            return Err(TestbedError::PortTaken {
                id: id.into(),
                port,
                waited: within,
            });
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

fn first_for_clients() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    range
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        .unwrap_or(FIRST_FOR_CLIENTS)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_port_is_free_until_somebody_listens() {
        let port = pick().unwrap();
        assert!(port < first_for_clients());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        assert!(!is_free(port));
        let error = until_free("n1", port, Duration::from_millis(1)).await;
        assert!(matches!(error, Err(TestbedError::PortTaken { .. })));
        drop(listener);
        until_free("n1", port, Duration::from_secs(10))
            .await
            .unwrap();
    }
}
