//! The rate limit of all frames of one device.

/// The frames that a connection has read in one second of the wheel. It has a place in the
/// padding of the connection, so it takes no bytes of an idle socket.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameRate {
    /// The second, without its upper half: a socket that was silent for a multiple of 18 hours
    /// starts with the old count.
    second: u16,
    frames: u16,
}

impl FrameRate {
    /// Counts the frames of one read in second `now`. Returns whether the second has had no more
    /// than `limit`.
    pub(super) fn try_count(&mut self, frames: u32, now: u32, limit: u16) -> bool {
        let second = now as u16;
        if self.second != second {
            *self = Self { second, frames: 0 };
        }
        let read = u16::try_from(frames).unwrap_or(u16::MAX);
        self.frames = self.frames.saturating_add(read);
        // The count saturates at the highest limit, which therefore allows any rate.
        self.frames <= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_limited_in_each_second() {
        let mut rate = FrameRate::default();
        assert!(rate.try_count(60, 7, 100));
        assert!(rate.try_count(40, 7, 100));
        assert!(!rate.try_count(1, 7, 100));
        assert!(rate.try_count(100, 8, 100));
        assert!(!rate.try_count(u32::MAX, 9, 100));
        assert!(rate.try_count(u32::MAX, 9 + (1 << 16), u16::MAX));
    }
}
