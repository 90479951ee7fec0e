//! The local addresses and ports of devices' sockets, so that ports do not run out.
//!
//! One source address reaches one destination port only as often as there are ephemeral
//! ports: 28,232 times by Linux's default. Past half of them, at 14,116 sockets, the
//! kernel's search for a free port takes most of the CPU: on Linux 6.18 a connect costs 1.5 ms
//! instead of 0.03 ms. Three measures keep clear of it:
//!
//! - Loopback has addresses enough: each worker takes a /24 of 127.0.0.0/8, with some thousand
//!   sockets for each address.
//! - `--bind` gives a worker several addresses, over which its sockets spread.
//! - Past [`SOCKETS_PER_ADDRESS`] sockets of one address, of all workers together, a worker
//!   proposes a port for each socket, in turn. The kernel searches only if several proposals in
//!   a row are taken.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use highwater_scenarios::Segment;

use super::ephemeral_ports::EphemeralPorts;

/// Sockets from one local address to one destination, well below half of the ephemeral
/// ports.
pub const SOCKETS_PER_ADDRESS: u32 = 9_000;

/// Proposed ports that one socket tries before the kernel searches: both halves of the range,
/// which the kernel fills one after the other, have some of them.
pub const PROPOSALS: usize = 8;

/// The part of the ephemeral ports that is never proposed, as a divisor. The kernel gives a port
/// that a program has chosen to no other connection, whatever its destination. Without these
/// ports, commands and other programs could connect nowhere.
const KEPT_PART: u32 = 8;

/// The golden section of 32 bits: its multiples spread evenly.
const GOLDEN_STEP: u32 = 0x9E37_79B9;

/// Most local addresses of one worker.
const MOST_ADDRESSES: usize = 1_024;

/// The local addresses that a worker's sockets use, with the ports that it proposes.
#[derive(Debug, Clone)]
pub struct SourceAddresses {
    /// The addresses of `--bind`; empty without it.
    addresses: Arc<[IpAddr]>,
    /// This worker's sockets of one address for which the kernel chooses the port.
    kernel_sockets: u32,
    /// The ports to propose; `None` where the range cannot be read.
    ports: Option<EphemeralPorts>,
    /// This worker's place among all.
    worker_index: u32,
    /// The number of proposals so far.
    proposed: Arc<AtomicU32>,
}

/// The source of one socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The local address; `None` leaves the choice to the kernel.
    pub address: Option<IpAddr>,
    /// Whether the worker proposes the port, because the kernel's search would be long.
    pub proposes_port: bool,
}

/// A text that does not name local addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid source address {text:?}: {problem}")]
pub struct InvalidSource {
    text: String,
    problem: &'static str,
}

/// An address that sockets of this machine cannot have.
#[derive(Debug, thiserror::Error)]
#[error("cannot bind sockets to {address}")]
pub struct ForeignSource {
    /// The local address.
    pub address: IpAddr,
    /// The system's error.
    pub source: io::Error,
}

impl SourceAddresses {
    /// Creates the sources of a worker that has these addresses; none leave the choice to the
    /// kernel. The ephemeral ports are read from this machine.
    pub fn new(addresses: Vec<IpAddr>, segment: Segment) -> Self {
        Self {
            addresses: addresses.into(),
            // Workers of one machine share its addresses. None knows how many they are, so each
            // assumes that all are here.
            kernel_sockets: SOCKETS_PER_ADDRESS / segment.of(),
            ports: EphemeralPorts::read(),
            worker_index: segment.index(),
            proposed: Arc::default(),
        }
    }

    /// Returns the source of a device's socket to `destination`.
    pub fn for_device(&self, destination: IpAddr, device_number: u32) -> Source {
        let same_family = |address: &&IpAddr| address.is_ipv4() == destination.is_ipv4();
        let count = self.addresses.iter().filter(same_family).count();
        if count == 0 {
            let address = loopback_source(destination, self.worker_index, device_number);
            return Source {
                address,
                proposes_port: address.is_none() && device_number >= self.kernel_sockets,
            };
        }
        let place = device_number as usize % count;
        Source {
            address: self
                .addresses
                .iter()
                .filter(same_family)
                .nth(place)
                .copied(),
            proposes_port: device_number as usize / count >= self.kernel_sockets as usize,
        }
    }

    /// Returns the next port to propose; `None` where the range cannot be read.
    pub fn next_port(&self) -> Option<u16> {
        let ports = self.ports.as_ref()?;
        let count = ports.count() - ports.count().div_ceil(KEPT_PART);
        let proposal = u64::from(self.proposed.fetch_add(1, Relaxed));
        let first = u64::from(self.worker_index) * u64::from(SOCKETS_PER_ADDRESS);
        let place = first + proposal * u64::from(stride(self.worker_index, count));
        ports.at(place.checked_rem(count.into())? as u32)
    }
}

impl Default for SourceAddresses {
    /// Returns the sources of the only worker, with the ports that the kernel chooses.
    fn default() -> Self {
        Self {
            ports: None,
            ..Self::new(Vec::new(), Segment::whole())
        }
    }
}

/// Returns the step from one proposed port to the next. It has no divisor in common with the
/// number of ports, so that each has its turn.
///
/// Each worker has a step of its own. If workers of one address went through the ports in one
/// order, one of them would run into all ports of another.
fn stride(worker_index: u32, count: u32) -> u32 {
    let start = (worker_index + 1).wrapping_mul(GOLDEN_STEP) % count.max(1);
    let mut strides = (start..=count).chain(1..=start);
    strides
        .find(|stride| greatest_common_divisor(*stride, count) == 1)
        .unwrap_or(1)
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    match b {
        0 => a,
        b => greatest_common_divisor(b, a % b),
    }
}

/// Returns the address on loopback of a device's socket; `None` for a destination elsewhere.
fn loopback_source(destination: IpAddr, worker_index: u32, device_number: u32) -> Option<IpAddr> {
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
    Some(Ipv4Addr::new(127, high as u8, low as u8, host as u8).into())
}

/// Reads an address, or a range `FIRST-LAST` of addresses.
///
/// # Errors
/// If the text is neither, or the range is empty or too long.
pub fn parse_sources(text: &str) -> Result<Vec<IpAddr>, InvalidSource> {
    let invalid = |problem| InvalidSource {
        text: text.to_owned(),
        problem,
    };
    let address = |part: &str| {
        let expected = "expected an IP address, or a range FIRST-LAST of addresses";
        part.trim().parse::<IpAddr>().map_err(|_| invalid(expected))
    };
    let Some((first, last)) = text.split_once('-') else {
        return Ok(vec![address(text)?]);
    };
    let range: Vec<IpAddr> = match (address(first)?, address(last)?) {
        (IpAddr::V4(first), IpAddr::V4(last)) => (u32::from(first)..=u32::from(last))
            .take(MOST_ADDRESSES + 1)
            .map(|bits| Ipv4Addr::from(bits).into())
            .collect(),
        (IpAddr::V6(first), IpAddr::V6(last)) => (u128::from(first)..=u128::from(last))
            .take(MOST_ADDRESSES + 1)
            .map(|bits| Ipv6Addr::from(bits).into())
            .collect(),
        _ => return Err(invalid("expected two addresses of one family")),
    };
    match range.len() {
        0 => Err(invalid("expected the lower address first")),
        1..=MOST_ADDRESSES => Ok(range),
        _ => Err(invalid("expected a range of up to 1024 addresses")),
    }
}

/// Checks that sockets can have these addresses.
///
/// # Errors
/// The first address that is not one of this machine.
pub fn check_sources(addresses: &[IpAddr]) -> Result<(), ForeignSource> {
    addresses.iter().try_for_each(|address| {
        // A port of UDP, which no socket of a device needs.
        let bound = std::net::UdpSocket::bind(SocketAddr::from((*address, 0)));
        bound.map(drop).map_err(|source| ForeignSource {
            address: *address,
            source,
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    #[test]
    fn each_loopback_address_carries_at_most_its_share() {
        let mut carried = HashMap::<_, u32>::new();
        for worker in 0..300 {
            for number in (0..19_000).step_by(500) {
                let source = loopback_source(Ipv4Addr::LOCALHOST.into(), worker, number);
                *carried.entry(source.unwrap()).or_default() += 500;
            }
        }
        assert_eq!(carried.values().max(), Some(&SOCKETS_PER_ADDRESS));
        assert_eq!(carried.len(), 300 * 3);
    }

    #[test]
    fn destination_beyond_loopback_gets_no_source_and_later_a_port() {
        let sources = SourceAddresses::default();
        for destination in ["192.0.2.1", "::1"] {
            for (number, proposes_port) in [(0, false), (8_999, false), (9_000, true)] {
                let source = sources.for_device(destination.parse().unwrap(), number);
                let expected = Source {
                    address: None,
                    proposes_port,
                };
                assert_eq!(source, expected);
            }
        }
    }

    #[test]
    fn sockets_spread_over_the_addresses_of_their_family() {
        let addresses = ["192.0.2.1-192.0.2.3", "2001:db8::1"];
        let addresses = addresses.map(|text| parse_sources(text).unwrap()).concat();
        let sources = SourceAddresses::new(addresses, Segment::whole());
        let mut carried = HashMap::<_, u32>::new();
        for number in 0..30_000 {
            let source = sources.for_device([198, 51, 100, 1].into(), number);
            *carried.entry(source.address.unwrap()).or_default() += 1;
            assert_eq!(source.proposes_port, number >= 3 * SOCKETS_PER_ADDRESS);
        }
        assert_eq!(carried.len(), 3);
        assert!(carried.values().all(|count| *count == 10_000));
        let v6 = sources.for_device("2001:db8::9".parse().unwrap(), 7);
        assert_eq!(v6.address, Some("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn some_ports_are_never_proposed() {
        let sources = SourceAddresses::new(Vec::new(), Segment::whole());
        let ports = EphemeralPorts::read().unwrap();
        let proposed: HashSet<_> = (0..ports.count()).map(|_| sources.next_port()).collect();
        let kept = (ports.count() - proposed.len() as u32) as f64;
        assert!(
            (kept / f64::from(ports.count()) - 0.125).abs() < 0.03,
            "{kept}"
        );
    }

    #[test]
    fn workers_of_one_address_leave_the_knee_alone_and_find_ports_of_their_own() {
        let destination = [198, 51, 100, 1].into();
        let sources = |index| {
            let segment = Segment::new(index, 4).unwrap();
            SourceAddresses::new(vec![[192, 0, 2, 1].into()], segment)
        };
        let first = sources(0);
        let proposes = |number| first.for_device(destination, number).proposes_port;
        // Four workers leave 9,000 ports of the address to the kernel, as one does.
        assert!(!proposes(2_249) && proposes(2_250));
        // Three workers have taken the ports of two thirds of all proposals.
        let count = EphemeralPorts::read().unwrap().count() * 7 / 8;
        let mut taken = HashSet::new();
        for worker in [0, 1, 2].map(sources) {
            let mut own = 0;
            while own < count / 9 * 2 {
                own += u32::from(taken.insert(worker.next_port()));
            }
        }
        // A fourth finds a free one among eight proposals in nearly all cases.
        let last = sources(3);
        let searches = (0..1_000).filter(|_| {
            let mut proposals = (0..PROPOSALS).map(|_| last.next_port());
            !proposals.any(|port| !taken.contains(&port))
        });
        let searches = searches.count();
        assert!(searches < 100, "{searches}");
    }

    #[test]
    fn text_is_an_address_or_a_range() {
        let count = |text| parse_sources(text).map(|addresses| addresses.len());
        assert_eq!(count("192.0.2.1"), Ok(1));
        assert_eq!(count("192.0.2.250-192.0.3.1"), Ok(8));
        assert_eq!(count("2001:db8::1-2001:db8::10"), Ok(16));
        assert_eq!(count("10.0.0.0-10.0.3.255"), Ok(1_024));
        for (text, problem) in [
            ("", "expected an IP address"),
            ("eth0", "expected an IP address"),
            ("192.0.2.1:80", "expected an IP address"),
            ("192.0.2.1-", "expected an IP address"),
            ("192.0.2.1-::1", "of one family"),
            ("192.0.2.2-192.0.2.1", "the lower address first"),
            ("10.0.0.0-10.0.4.0", "up to 1024 addresses"),
            ("::-ffff::", "up to 1024 addresses"),
        ] {
            let error = count(text).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn address_of_another_machine_is_found() {
        check_sources(&["127.0.0.1".parse().unwrap(), "127.7.7.7".parse().unwrap()]).unwrap();
        // An address for documentation, which no machine has.
        let other: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!(check_sources(&[other]).unwrap_err().address, other);
    }
}
