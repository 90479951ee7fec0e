//! Free ports that stay free while a service is down.
//!
//! They lie below the range that the kernel gives to clients: a client that keeps
//! trying a killed service's port could otherwise be given that very port.

use std::{
    collections::HashSet,
    fs,
    net::{Ipv4Addr, TcpListener},
    sync::{Mutex, PoisonError},
};

use crate::ServiceError;

/// First port that is used.
const FIRST: u16 = 10_240;
/// First port for clients where the system does not tell; Linux's default.
const DEFAULT_EPHEMERAL_START: u16 = 32_768;

/// Ports given out by this process, whose services may not listen yet.
static ASSIGNED_PORTS: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// A free port on 127.0.0.1, a random one: other processes pick theirs at the
/// same time. This process is never given it again.
///
/// # Errors
/// [`ServiceError::NoPort`].
pub fn pick_free_port() -> Result<u16, ServiceError> {
    let end = ephemeral_start().max(FIRST + 1);
    let ports = end - FIRST;
    let offset = rand::random_range(0..ports);
    let mut taken = ASSIGNED_PORTS
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let taken = taken.get_or_insert_default();
    let port = (0..ports)
        .map(|step| FIRST + (offset + step) % ports)
        .find(|port| !taken.contains(port) && is_free(*port))
        .ok_or(ServiceError::NoPort {
            from: FIRST,
            to: end - 1,
        })?;
    taken.insert(port);
    Ok(port)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn ephemeral_start() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    range
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        .unwrap_or(DEFAULT_EPHEMERAL_START)
}
