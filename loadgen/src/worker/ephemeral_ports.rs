//! The ports of this machine that the kernel gives to outgoing connections.

use std::{fs, ops::RangeInclusive};

/// The ephemeral ports of this machine, without the reserved ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EphemeralPorts {
    /// Ranges in ascending order, of which none is empty.
    ranges: Box<[RangeInclusive<u16>]>,
}

impl EphemeralPorts {
    /// Reads the ports of this machine; `None` where the kernel does not say them.
    pub fn read() -> Option<Self> {
        let setting = |name| fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).ok();
        // An old kernel reserves no ports.
        let reserved = setting("ip_local_reserved_ports").unwrap_or_default();
        Self::parse(&setting("ip_local_port_range")?, &reserved)
    }

    /// Parses a range like `32768 60999` and a list like `40000,50000-50099`; `None` where
    /// either is not one, or no port is left.
    fn parse(range: &str, reserved: &str) -> Option<Self> {
        let mut words = range.split_whitespace();
        let mut first = words.next()?.parse::<u16>().ok()?;
        let last = words.next()?.parse::<u16>().ok()?;
        let mut ranges = Vec::new();
        // The kernel writes the list sorted and without overlaps.
        for part in reserved.trim().split(',').filter(|part| !part.is_empty()) {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (from, to) = (from.parse::<u16>().ok()?, to.parse::<u16>().ok()?);
            if to < first || from > last {
                continue;
            }
            if from > first {
                ranges.push(first..=from - 1);
            }
            if to >= last {
                return Self::of(ranges);
            }
            first = to + 1;
        }
        if first <= last {
            ranges.push(first..=last);
        }
        Self::of(ranges)
    }

    fn of(ranges: Vec<RangeInclusive<u16>>) -> Option<Self> {
        (!ranges.is_empty()).then(|| Self {
            ranges: ranges.into(),
        })
    }

    /// Returns the number of ports, at least one.
    pub fn count(&self) -> u32 {
        self.ranges.iter().map(|range| range.len() as u32).sum()
    }

    /// Returns the port at `place`, modulo the number of ports.
    pub fn at(&self, place: u32) -> Option<u16> {
        let mut place = (place % self.count()) as usize;
        self.ranges.iter().find_map(|range| {
            let port = range.clone().nth(place);
            place -= range.len().min(place);
            port
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(range: &str, reserved: &str) -> Option<Vec<u16>> {
        let ports = EphemeralPorts::parse(range, reserved)?;
        (0..ports.count()).map(|place| ports.at(place)).collect()
    }

    #[test]
    fn reserved_ports_are_left_out() {
        for (range, reserved, expected) in [
            ("10\t14\n", "\n", Some(vec![10, 11, 12, 13, 14])),
            ("10 14", "5,20-30", Some(vec![10, 11, 12, 13, 14])),
            ("10 14", "8-10,12", Some(vec![11, 13, 14])),
            ("10 14", "11,13-99", Some(vec![10, 12])),
            ("10 14", "1-99", None),
            ("65534 65535", "65534", Some(vec![65_535])),
            ("14 10", "", None),
            ("ten", "", None),
            ("10 14", "many", None),
        ] {
            assert_eq!(all(range, reserved), expected, "{range:?} {reserved:?}");
        }
    }

    #[test]
    fn places_repeat_after_the_last_port() {
        let ports = EphemeralPorts::parse("10 14", "12").unwrap();
        assert_eq!(ports.count(), 4);
        assert_eq!(ports.at(3), Some(14));
        assert_eq!(ports.at(4), Some(10));
        assert_eq!(ports.at(u32::MAX), ports.at(u32::MAX % 4));
    }
}
