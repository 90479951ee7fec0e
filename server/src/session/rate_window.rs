//! The rate limits of one device.

/// The requests of a device that cost other nodes a message, counted in one second of
/// the wheel. A fixed window lets up to twice the limit pass around its edge, and takes
/// 8 bytes for each session.
#[derive(Default)]
pub(super) struct RateWindow {
    second: u32,
    pub(super) messages: u16,
    pub(super) topic_changes: u16,
}

impl RateWindow {
    /// Returns the counts of second `now`, which start at 0.
    pub(super) fn in_second(&mut self, now: u32) -> &mut Self {
        if self.second != now {
            *self = Self {
                second: now,
                ..Self::default()
            };
        }
        self
    }
}

/// Counts one more, unless the count has reached `limit`. Returns whether it counted.
pub(super) fn try_increment(count: &mut u16, limit: u32) -> bool {
    // The count saturates: a higher limit than 65535 a second is as good as that one.
    let allowed = u32::from(*count) < limit.min(u16::MAX.into());
    *count += u16::from(allowed);
    allowed
}
