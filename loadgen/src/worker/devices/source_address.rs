//! Local addresses of sockets.
//!
//! One source address reaches one destination port only as often as there are ephemeral
//! ports: 28,232 times by Linux's default. Past half of them, at 14,116 sockets, the
//! kernel's search for a free port takes most of the CPU, and connects fall from 36,000
//! to 300 per second. Loopback has addresses enough: each worker takes a /24 of
//! 127.0.0.0/8, and each address of it carries some thousand sockets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Sockets from one local address to one destination, well below half of the ephemeral
/// ports.
pub const SOCKETS_PER_ADDRESS: u32 = 9_000;

/// Returns the local address of a device's socket to `destination`; `None` leaves the
/// choice to the kernel.
pub fn source_for(
    destination: IpAddr,
    worker_index: u32,
    device_number: u32,
) -> Option<SocketAddr> {
    let IpAddr::V4(v4) = destination else {
        return None;
    };
    if !v4.is_loopback() {
        return None;
    }
    // 127.0.x.x stays free for other programs on the machine. Host numbers begin at 1:
    // address 0 of a network is not a host's.
    let (high, low) = (1 + worker_index / 256 % 254, worker_index % 256);
    let host = 1 + device_number / SOCKETS_PER_ADDRESS % 254;
    let address = Ipv4Addr::new(127, high as u8, low as u8, host as u8);
    Some(SocketAddr::from((address, 0)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn each_address_carries_at_most_its_share() {
        let mut carried = HashMap::<_, u32>::new();
        for worker in 0..300 {
            for number in (0..19_000).step_by(500) {
                let source = source_for(Ipv4Addr::LOCALHOST.into(), worker, number).unwrap();
                *carried.entry(source.ip()).or_default() += 500;
            }
        }
        assert_eq!(carried.values().max(), Some(&SOCKETS_PER_ADDRESS));
        assert_eq!(carried.len(), 300 * 3);
    }

    #[test]
    fn destination_beyond_loopback_gets_no_source() {
        assert_eq!(source_for([192, 0, 2, 1].into(), 0, 0), None);
        assert_eq!(source_for("::1".parse().unwrap(), 0, 0), None);
    }
}
