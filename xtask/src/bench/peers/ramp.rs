//! The server's counts while sockets open.

use std::time::Duration;

/// The server's counts while sockets open.
#[derive(Debug, Default)]
pub(super) struct Ramp {
    /// The time since the first socket, and the open sockets.
    counts: Vec<(Duration, u64)>,
}

impl Ramp {
    /// Notes a count.
    pub(super) fn add(&mut self, since_first: Duration, open: u64) {
        self.counts.push((since_first, open));
    }

    /// Returns the sockets opened in a second between a tenth and nine tenths of `sockets`;
    /// `None` if the counts do not reach so far, or one count saw it all.
    pub(super) fn rate_per_s(&self, sockets: u32) -> Option<f64> {
        let sockets = u64::from(sockets);
        let reaches = |tenths: u64| {
            let wanted = sockets * tenths / 10;
            self.counts.iter().find(|(_, open)| *open >= wanted)
        };
        let (from, few) = reaches(1)?;
        let (to, many) = reaches(9)?;
        let seconds = to.checked_sub(*from)?.as_secs_f64();
        (seconds > 0.0).then(|| (many - few) as f64 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(counts: &[(u64, u64)]) -> Ramp {
        let mut ramp = Ramp::default();
        for (second, open) in counts {
            ramp.add(Duration::from_secs(*second), *open);
        }
        ramp
    }

    #[test]
    fn rate_ignores_the_slow_ends() {
        let ramp = ramp(&[(0, 1), (9, 100), (10, 300), (12, 900), (60, 1000)]);
        assert_eq!(ramp.rate_per_s(1000), Some(800.0 / 3.0));
    }

    #[test]
    fn ramp_that_stays_short_or_is_one_count_has_no_rate() {
        assert_eq!(ramp(&[(0, 1), (5, 800)]).rate_per_s(1000), None);
        assert_eq!(ramp(&[(0, 1000)]).rate_per_s(1000), None);
    }
}
