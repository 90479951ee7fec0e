//! Local addresses of sockets.
//!
//! One source address reaches one destination port only as often as there are
//! ephemeral ports (28,232 by Linux's default), and past half of them the
//! kernel's search for a free one takes over the CPU. Towards loopback there
//! are addresses enough: each worker takes a /24 of 127.0.0.0/8, and each
//! address of it carries some thousand sockets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Sockets from one local address to one destination, well below the knee at
/// half of the ephemeral ports.
pub const SOCKETS_PER_ADDRESS: u32 = 9_000;

/// The local address for the worker's socket `number` to `destination`;
/// `None` leaves it to the kernel.
pub fn source_for(destination: IpAddr, worker: u32, number: u32) -> Option<SocketAddr> {
    let IpAddr::V4(v4) = destination else {
        return None;
    };
    if !v4.is_loopback() {
        return None;
    }
    // 127.0.x.x stays free for everything else on the machine.
    let (high, low) = (1 + worker / 256 % 254, worker % 256);
    let host = 1 + number / SOCKETS_PER_ADDRESS % 254;
    let address = Ipv4Addr::new(127, high as u8, low as u8, host as u8);
    Some(SocketAddr::from((address, 0)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn no_address_carries_more_than_its_share() {
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
    fn only_loopback_is_spread() {
        assert_eq!(source_for([192, 0, 2, 1].into(), 0, 0), None);
        assert_eq!(source_for("::1".parse().unwrap(), 0, 0), None);
    }
}
