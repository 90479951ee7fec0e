//! The open sockets that a load can use.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use rand::{SeedableRng, rngs::SmallRng};

use super::device_link::DeviceLink;
use crate::worker::connected_devices::ConnectedDevices;

/// The open sockets that one load can use.
#[derive(Default)]
pub struct Senders {
    /// The sockets that are free.
    free: ConnectedDevices<Arc<DeviceLink>>,
    /// The sockets that are open, free or not.
    open: AtomicUsize,
    /// Whether a socket takes one piece of work at a time.
    one_at_a_time: bool,
}

/// A socket for a piece of work.
#[derive(Debug)]
pub enum PickedSender {
    /// An open socket.
    Socket(Arc<DeviceLink>),
    /// Every open socket has work.
    AllBusy,
    /// No socket is open.
    NoneOpen,
}

impl Senders {
    /// Creates the set of a load whose sockets take one piece of work at a time, or several.
    pub fn new(one_at_a_time: bool) -> Self {
        Self {
            one_at_a_time,
            ..Self::default()
        }
    }

    /// Whether a socket takes one piece of work at a time.
    pub fn one_at_a_time(&self) -> bool {
        self.one_at_a_time
    }

    /// Adds a socket that has opened.
    pub fn add(&self, link: &Arc<DeviceLink>) {
        self.open.fetch_add(1, Relaxed);
        self.release(link);
    }

    /// Removes a socket that ends.
    pub fn remove(&self, link: &DeviceLink) {
        self.free.remove(link.device);
        self.open.fetch_sub(1, Relaxed);
    }

    /// Marks an open socket as free.
    pub fn release(&self, link: &Arc<DeviceLink>) {
        self.free.insert(link.device, link.clone());
    }

    /// Returns a random free socket. One that takes one piece of work at a time is busy until
    /// [`release`](Self::release).
    pub fn pick(&self) -> PickedSender {
        let mut rng = SmallRng::from_rng(&mut rand::rng());
        let picked = match self.one_at_a_time {
            true => self.free.take_random(&mut rng),
            false => self.free.pick_random(&mut rng),
        };
        match picked {
            Some((_, link)) => PickedSender::Socket(link),
            None if self.open.load(Relaxed) > 0 => PickedSender::AllBusy,
            None => PickedSender::NoneOpen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::DeviceKey;

    fn link(index: u64) -> Arc<DeviceLink> {
        let device = DeviceKey { pool: 0, index };
        Arc::new(DeviceLink::new(device, Box::default()))
    }

    fn picked(senders: &Senders) -> Option<u64> {
        match senders.pick() {
            PickedSender::Socket(link) => Some(link.device.index),
            PickedSender::AllBusy | PickedSender::NoneOpen => None,
        }
    }

    #[test]
    fn socket_with_one_piece_of_work_is_busy_until_it_is_released() {
        let senders = Senders::new(true);
        assert!(matches!(senders.pick(), PickedSender::NoneOpen));
        let only = link(3);
        senders.add(&only);
        assert_eq!(picked(&senders), Some(3));
        assert!(matches!(senders.pick(), PickedSender::AllBusy));
        senders.release(&only);
        assert_eq!(picked(&senders), Some(3));
        senders.remove(&only);
        assert!(matches!(senders.pick(), PickedSender::NoneOpen));
    }

    #[test]
    fn socket_with_several_pieces_of_work_stays_free() {
        let senders = Senders::new(false);
        senders.add(&link(3));
        assert_eq!((picked(&senders), picked(&senders)), (Some(3), Some(3)));
    }
}
