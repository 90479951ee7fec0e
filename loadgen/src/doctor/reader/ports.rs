//! The range of ephemeral ports.

use std::{fs, path::Path};

use super::read_sysctl;
use crate::doctor::limits::PortRange;

/// Reads the range and the number of reserved ports in it; `None` if either cannot be read.
pub(super) fn read(root: &Path) -> Option<PortRange> {
    let range = "net/ipv4/ip_local_port_range";
    let (first, last) = (read_sysctl(root, range, 0)?, read_sysctl(root, range, 1)?);
    let path = root.join("proc/sys/net/ipv4/ip_local_reserved_ports");
    let reserved = reserved_within(&fs::read_to_string(path).ok()?, first, last)?;
    Some(PortRange {
        first,
        last,
        reserved,
    })
}

/// Counts the ports of a list like `8080,40000-40099` that lie between `first` and `last`.
fn reserved_within(list: &str, first: u16, last: u16) -> Option<u64> {
    // The kernel writes the list sorted and without overlaps, so no port counts twice.
    let mut reserved = 0;
    for part in list.trim().split(',').filter(|part| !part.is_empty()) {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let from = from.parse::<u16>().ok()?.max(first);
        let to = to.parse::<u16>().ok()?.min(last);
        if from <= to {
            reserved += u64::from(to - from) + 1;
        }
    }
    Some(reserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_port_outside_the_range_is_not_counted() {
        for (list, reserved) in [
            ("\n", Some(0)),
            ("8080\n", Some(0)),
            ("40000\n", Some(1)),
            ("8080,32000-32770,60999-61010\n", Some(3 + 1)),
            ("1-65535\n", Some(28_232)),
            ("many\n", None),
        ] {
            assert_eq!(reserved_within(list, 32_768, 60_999), reserved, "{list:?}");
        }
    }
}
