//! The times at which consumers handled records, by their journals.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::Duration,
};

use serde::{Deserialize, Deserializer, de::Error};

/// A line of a journal.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Handled {
    /// The time since 1970.
    #[serde(deserialize_with = "milliseconds")]
    pub(super) at: Duration,
    /// The device.
    pub(super) device: String,
    /// The number of the record in its load.
    #[serde(rename = "id", deserialize_with = "number")]
    pub(super) number: u64,
}

/// Returns how many records were handled after a later one of the same device. A record that was
/// handled again counts by its first time. `handled` is in the order of the times.
pub(super) fn out_of_order(handled: &[Handled]) -> u64 {
    let mut seen = BTreeSet::new();
    let mut latest: BTreeMap<&str, u64> = BTreeMap::new();
    let mut count = 0;
    for record in handled {
        if seen.insert(record.number) {
            let latest = latest.entry(&record.device).or_default();
            count += u64::from(record.number < *latest);
            *latest = record.number.max(*latest);
        }
    }
    count
}

/// Returns how many records were handled in a time.
pub(super) fn count(handled: &[Handled], time: &Range<Duration>) -> usize {
    let in_time = handled.iter().filter(|record| time.contains(&record.at));
    in_time.count()
}

/// Returns the longest part of a time in which nothing was handled. `handled` is in the order of
/// the times.
pub(super) fn longest_pause(handled: &[Handled], time: Range<Duration>) -> Duration {
    let mut last = time.start;
    let mut longest = Duration::ZERO;
    let in_time = handled.iter().map(|record| record.at);
    let ends = in_time.filter(|at| time.contains(at)).chain([time.end]);
    for at in ends {
        longest = longest.max(at.saturating_sub(last));
        last = at;
    }
    longest
}

/// Returns the longest time from when a record was due until it was handled first, of the records
/// due in `time`; `None` if none of them was handled. `due` returns when a record was due.
/// `handled` is in the order of the times.
pub(super) fn longest_wait(
    handled: &[Handled],
    time: &Range<Duration>,
    due: impl Fn(u64) -> Duration,
) -> Option<Duration> {
    let mut seen = BTreeSet::new();
    let first = handled.iter().filter(|record| seen.insert(record.number));
    let waits = first.filter_map(|record| {
        let due = due(record.number);
        time.contains(&due).then(|| record.at.saturating_sub(due))
    });
    waits.max()
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let ms = f64::deserialize(deserializer)?;
    // Whole microseconds, as they were before a division.
    let seconds = Duration::try_from_secs_f64(ms / 1e3).map_err(D::Error::custom)?;
    Ok(Duration::from_micros(
        (seconds.as_secs_f64() * 1e6).round() as u64
    ))
}

/// Parses `LOAD-NUMBER`; the scenarios have one load.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let id = String::deserialize(deserializer)?;
    let number = id
        .split_once('-')
        .and_then(|(_, number)| number.parse().ok());
    number.ok_or_else(|| D::Error::custom("expected LOAD-NUMBER"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Returns lines of (time in ms, device, number).
    fn lines(lines: &[(u64, u64, u64)]) -> Vec<Handled> {
        let lines = lines.iter().map(|(at, device, number)| Handled {
            at: ms(*at),
            device: format!("home-{device}"),
            number: *number,
        });
        lines.collect()
    }

    #[test]
    fn journal_line_is_parsed_to_the_microsecond() {
        let text =
            r#"{"at":1790000000123.457,"device":"home-17","id":"0-4711","redelivered":true}"#;
        let line: Handled = serde_json::from_str(text).unwrap();
        assert_eq!(line.at.as_micros(), 1_790_000_000_123_457);
        assert_eq!((line.device.as_str(), line.number), ("home-17", 4711));
        for invalid in [
            r#"{"at":-1,"device":"home-1","id":"0-1"}"#,
            r#"{"at":1,"device":"home-1","id":"1"}"#,
        ] {
            assert!(
                serde_json::from_str::<Handled>(invalid).is_err(),
                "{invalid}"
            );
        }
    }

    #[test]
    fn order_is_that_of_each_device_and_of_the_first_time() {
        // Devices 0 and 1 take turns over the numbers.
        let ordered = lines(&[(1, 0, 0), (2, 1, 3), (3, 0, 2), (4, 1, 5), (5, 0, 0)]);
        assert_eq!(out_of_order(&ordered), 0);
        let swapped = lines(&[(1, 0, 0), (2, 0, 6), (3, 0, 2), (4, 0, 4), (5, 0, 8)]);
        assert_eq!(out_of_order(&swapped), 2);
    }

    #[test]
    fn pause_includes_both_ends_of_its_time() {
        let handled = lines(&[(100, 0, 0), (1_000, 0, 1), (1_400, 0, 2), (9_000, 0, 3)]);
        assert_eq!(longest_pause(&handled, ms(900)..ms(1_500)), ms(400));
        assert_eq!(longest_pause(&handled, ms(200)..ms(1_500)), ms(800));
        assert_eq!(longest_pause(&handled, ms(1_000)..ms(3_000)), ms(1_600));
        assert_eq!(longest_pause(&handled, ms(2_000)..ms(3_000)), ms(1_000));
        assert_eq!(count(&handled, &(ms(100)..ms(1_400))), 2);
    }

    #[test]
    fn wait_ends_with_the_first_line_of_a_record_due_in_its_time() {
        // Record N is due at N seconds.
        let due = Duration::from_secs;
        let handled = lines(&[(1_010, 0, 1), (2_500, 0, 2), (9_000, 0, 2), (9_900, 0, 3)]);
        let wait = |time: Range<u64>| longest_wait(&handled, &(ms(time.start)..ms(time.end)), due);
        assert_eq!(wait(0..3_000), Some(ms(500)));
        assert_eq!(wait(0..3_001), Some(ms(6_900)));
        assert_eq!(wait(4_000..5_000), None);
    }
}
