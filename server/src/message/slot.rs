//! The slots of the owner directory, into which all nodes sort devices in the same way.

use super::Epoch;
use crate::id::DeviceId;

/// The number of slots: enough for an even spread over some hundred nodes, and few
/// enough to compute anew with every view.
pub(crate) const SLOTS: usize = 4096;

/// Returns the slot of a device, which is the same on every node.
pub(crate) fn slot_of(device: &DeviceId) -> u16 {
    // Fits: there are fewer slots than numbers of 16 bits.
    (hash(device.as_str()) % SLOTS as u64) as u16
}

/// Returns the digest of a set of connections, in any order. Two nodes that list the same
/// connections get the same digest; that of none is 0.
pub(crate) fn digest<'d>(connections: impl IntoIterator<Item = (&'d DeviceId, Epoch)>) -> u64 {
    let digests = connections
        .into_iter()
        .map(|(device, epoch)| mix(hash(device.as_str()) ^ mix(epoch.raw())));
    digests.fold(0, u64::wrapping_add)
}

/// Hashes with FNV-1a and mixes the result. The standard library's hashers differ between
/// builds, and all nodes must agree.
pub(crate) fn hash(text: &str) -> u64 {
    // The offset basis and the prime of 64-bit FNV-1a.
    let fnv = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    mix(fnv)
}

/// Mixes bits with the finalizer of SplitMix64: FNV-1a alone spreads short names badly.
pub(crate) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_ignores_the_order_and_sees_device_and_epoch() {
        let devices: Vec<DeviceId> = ["a", "b"].map(|id| id.parse().unwrap()).into();
        let of = |connections: &[(usize, u64)]| {
            let connection = |(at, count): &(usize, u64)| (&devices[*at], Epoch::new(1, *count));
            digest(connections.iter().map(connection))
        };
        assert_eq!(of(&[]), 0);
        assert_eq!(of(&[(0, 1), (1, 2)]), of(&[(1, 2), (0, 1)]));
        assert_ne!(of(&[(0, 1), (1, 2)]), of(&[(0, 2), (1, 1)]));
        assert_ne!(of(&[(0, 1)]), of(&[(0, 2)]));
    }
}
