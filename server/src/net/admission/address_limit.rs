//! Limits for one client address, so that one client cannot take the places of the others.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;

/// The connections that one address may always have. Proxies and tests need some.
const MIN_DEFAULT: usize = 128;

/// Returns the configured limit of one address. Without one, returns half of all connections.
pub(crate) fn max_per_address(configured: Option<usize>, connections: Option<usize>) -> usize {
    let half = connections.map_or(usize::MAX, |all| (all / 2).max(MIN_DEFAULT));
    configured.unwrap_or(half)
}

/// Returns the part of an address that one client has: all of IPv4, the first 64 bits of IPv6.
pub(crate) fn client_prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

/// The HTTP connections of each address. A connection that becomes a device socket leaves it.
#[derive(Debug)]
pub(crate) struct AddressLimit {
    max: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One counted connection of an address. Dropping it releases the count.
#[derive(Debug)]
pub(crate) struct AddressPermit {
    limit: Arc<AddressLimit>,
    client: IpAddr,
}

impl AddressLimit {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            open: Mutex::default(),
        }
    }

    /// Counts a connection, if the limit of its address allows another.
    pub(crate) fn try_acquire(self: &Arc<Self>, address: IpAddr) -> Option<AddressPermit> {
        let client = client_prefix(address);
        let mut open = self.open.lock();
        let count = open.entry(client).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(AddressPermit {
            limit: Arc::clone(self),
            client,
        })
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let mut open = self.limit.open.lock();
        if let Entry::Occupied(mut entry) = open.entry(self.client) {
            *entry.get_mut() -= 1;
            // An address without a connection takes no memory.
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

/// The device sockets of each address, by a hash of the address. A socket stores the two bytes
/// of its bucket, because an address would make every idle socket larger. Addresses that share
/// a bucket share a limit; a client cannot choose them, because the hash is a secret.
#[derive(Debug)]
pub(crate) struct AddressBuckets {
    max: u32,
    hasher: RandomState,
    counts: Box<[AtomicU32]>,
}

/// One counted socket of an address. Dropping it releases the count.
#[derive(Debug)]
pub(crate) struct BucketPermit {
    /// `None` after [`BucketPermit::forget`].
    buckets: Option<Arc<AddressBuckets>>,
    bucket: u16,
}

impl AddressBuckets {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max: u32::try_from(max).unwrap_or(u32::MAX),
            hasher: RandomState::new(),
            counts: (0..=u16::MAX).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// Counts a socket, if the limit of its address allows another.
    pub(crate) fn try_acquire(self: &Arc<Self>, address: IpAddr) -> Option<BucketPermit> {
        let bucket = self.hasher.hash_one(client_prefix(address)) as u16;
        let more = |count| (count < self.max).then_some(count + 1);
        let counted = self.count(bucket).fetch_update(Relaxed, Relaxed, more);
        counted.ok().map(|_| BucketPermit {
            buckets: Some(Arc::clone(self)),
            bucket,
        })
    }

    /// Ends the count of a socket whose permit was forgotten.
    pub(crate) fn release(&self, bucket: u16) {
        self.count(bucket).fetch_sub(1, Relaxed);
    }

    fn count(&self, bucket: u16) -> &AtomicU32 {
        // There is a count for every number of 16 bits.
        &self.counts[usize::from(bucket)]
    }
}

impl BucketPermit {
    /// Returns the bucket, for the socket that is counted.
    pub(crate) fn bucket(&self) -> u16 {
        self.bucket
    }

    /// Keeps the count after this permit; [`AddressBuckets::release`] ends it.
    pub(crate) fn forget(mut self) {
        self.buckets = None;
    }
}

impl Drop for BucketPermit {
    fn drop(&mut self) {
        if let Some(buckets) = &self.buckets {
            buckets.release(self.bucket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_takes_half_of_the_connections_by_default() {
        for (configured, connections, expected) in [
            (None, None, usize::MAX),
            (None, Some(10_000), 5_000),
            (None, Some(100), 128),
            (Some(7), Some(10_000), 7),
        ] {
            assert_eq!(max_per_address(configured, connections), expected);
        }
    }

    #[test]
    fn full_address_leaves_room_for_others() {
        let limit = Arc::new(AddressLimit::new(2));
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let held = [limit.try_acquire(one), limit.try_acquire(one)];
        assert!(held.iter().all(Option::is_some));
        assert!(limit.try_acquire(address("::ffff:192.0.2.1")).is_none());
        assert!(limit.try_acquire(other).is_some());
        drop(held);
        assert!(limit.open.lock().is_empty());
        assert!(limit.try_acquire(one).is_some());
    }

    #[test]
    fn addresses_of_one_network_are_one_client() {
        let limit = Arc::new(AddressLimit::new(1));
        let _held = limit.try_acquire(address("2001:db8::1")).unwrap();
        assert!(limit.try_acquire(address("2001:db8::2")).is_none());
        assert!(limit.try_acquire(address("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn socket_is_counted_until_its_bucket_is_released() {
        let buckets = Arc::new(AddressBuckets::new(1));
        let client = address("192.0.2.1");
        let permit = buckets.try_acquire(client).unwrap();
        assert!(buckets.try_acquire(client).is_none());
        let bucket = permit.bucket();
        permit.forget();
        assert!(buckets.try_acquire(client).is_none());
        buckets.release(bucket);
        drop(buckets.try_acquire(client).unwrap());
        assert!(buckets.try_acquire(client).is_some());
    }
}
