//! The rate limits of one device.

/// The requests of a device that cost other nodes a message, counted in one second of
/// the wheel. A fixed window lets up to twice the limit pass around its edge, and takes
/// 8 bytes for each session.
#[derive(Default)]
pub(super) struct RateWindow {
    second: u32,
    messages: u16,
    topic_changes: u16,
}

impl RateWindow {
    /// Whether another message is allowed in second `now`. If so, it counts.
    pub(super) fn allow_publish(&mut self, now: u32, limit: u32) -> bool {
        self.start_second(now);
        try_increment(&mut self.messages, limit)
    }

    /// Whether another change of topics is allowed in second `now`. If so, it counts.
    pub(super) fn allow_topic_change(&mut self, now: u32, limit: u32) -> bool {
        self.start_second(now);
        try_increment(&mut self.topic_changes, limit)
    }

    fn start_second(&mut self, now: u32) {
        if self.second != now {
            *self = Self {
                second: now,
                ..Self::default()
            };
        }
    }
}

/// Counts one more, unless the count has reached `limit`. Returns whether it counted.
fn try_increment(count: &mut u16, limit: u32) -> bool {
    let allowed = u32::from(*count) < limit.min(u16::MAX.into());
    *count += u16::from(allowed);
    allowed
}
