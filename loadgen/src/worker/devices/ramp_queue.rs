//! The devices of a batch that are not open yet.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::schedule::ScheduledDevice;

/// Devices in the order in which they open, and the time by which a held ramp has postponed
/// them.
///
/// The time is kept once for all of them: a held ramp would otherwise change every device again
/// and again.
#[derive(Debug)]
pub struct RampQueue {
    devices: VecDeque<ScheduledDevice>,
    postponed: Duration,
}

impl RampQueue {
    /// Creates the queue of devices that are in the order in which they are due.
    pub fn new(devices: VecDeque<ScheduledDevice>) -> Self {
        Self {
            devices,
            postponed: Duration::ZERO,
        }
    }

    /// Returns when the first device is due; `None` once all are open.
    pub fn next_due(&self) -> Option<Instant> {
        Some(self.devices.front()?.due + self.postponed)
    }

    /// Removes the first device. The last one gives the memory of the queue back.
    pub fn pop(&mut self) -> Option<ScheduledDevice> {
        let mut device = self.devices.pop_front()?;
        device.due += self.postponed;
        if self.devices.is_empty() {
            self.devices = VecDeque::new();
        }
        Some(device)
    }

    /// Postpones all devices so that the first one is due `now`, unless it is due later.
    ///
    /// The ramp thus goes on at its rate, without a burst.
    pub fn resume(&mut self, now: Instant) {
        if let Some(due) = self.next_due() {
            self.postponed += now.saturating_duration_since(due);
        }
    }

    /// Adds devices, which are not postponed.
    pub fn extend(&mut self, devices: VecDeque<ScheduledDevice>) {
        for device in &mut self.devices {
            device.due += self.postponed;
        }
        self.postponed = Duration::ZERO;
        self.devices.extend(devices);
        let devices = self.devices.make_contiguous();
        devices.sort_by_key(|device| device.due);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::DeviceKey;

    fn devices(from: Instant, seconds: &[u64]) -> VecDeque<ScheduledDevice> {
        let device = |second: &u64| ScheduledDevice {
            key: DeviceKey { pool: 0, index: 0 },
            number: 0,
            heartbeat_phase: 0.0,
            due: from + Duration::from_secs(*second),
        };
        seconds.iter().map(device).collect()
    }

    #[test]
    fn held_ramp_goes_on_at_its_rate() {
        let start = Instant::now();
        let at = |second: u64| start + Duration::from_secs(second);
        let mut queue = RampQueue::new(devices(start, &[0, 1, 2]));
        assert_eq!(queue.pop().unwrap().due, at(0));
        queue.resume(at(11));
        assert_eq!(queue.next_due(), Some(at(11)));
        // Early: nothing is due yet.
        queue.resume(at(5));
        assert_eq!(queue.pop().unwrap().due, at(11));
        queue.resume(at(20));
        assert_eq!(queue.pop().unwrap().due, at(20));
        assert_eq!(queue.next_due(), None);
    }

    #[test]
    fn added_devices_are_not_postponed() {
        let start = Instant::now();
        let mut queue = RampQueue::new(devices(start, &[0, 8]));
        queue.resume(start + Duration::from_secs(10));
        queue.extend(devices(start, &[4, 12]));
        let due: Vec<_> = std::iter::from_fn(|| queue.pop())
            .map(|device| device.due.duration_since(start).as_secs())
            .collect();
        assert_eq!(due, [4, 10, 12, 18]);
    }
}
