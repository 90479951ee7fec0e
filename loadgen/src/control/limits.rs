//! The limits of what one message of a worker may hold.
//!
//! A worker that has the token may be broken, of another build, or not a worker at all. Its
//! names go into files, tables and terminals, so the coordinator accepts a closed alphabet and
//! a bounded number of them, and counts what it leaves out.

use super::{LeftOut, UnexpectedAnswer, WorkerInterval};

/// Longest name of a counter, a gauge or a latency: a family and a node's name of 64 bytes.
const MAX_NAME_LEN: usize = 128;
/// Most counters of an interval; a worker of Highwater has at most some 120.
const MAX_COUNTERS: usize = 512;
/// Most gauges of an interval.
const MAX_GAUGES: usize = 64;
/// Most latencies of an interval; a worker of Highwater has at most 47.
const MAX_LATENCIES: usize = 64;
/// Most counters of all buckets of an interval. A worker that could send nothing for ten
/// minutes has 6,000 buckets, with some counters each.
const MAX_BUCKET_COUNTERS: usize = 1 << 15;
/// Most examples of unexpected answers of an interval.
const MAX_UNEXPECTED_ANSWERS: usize = 16;
/// Longest text of an unexpected answer, in characters.
const MAX_TEXT_CHARS: usize = 500;
/// Largest growth of a counter in an interval. Sums over a run of years stay within 64 bits.
const MAX_GROWTH: u64 = 1 << 40;
/// Largest value of a gauge, above and below 0.
const MAX_GAUGE: f64 = 1e15;

impl WorkerInterval {
    /// Removes what exceeds the limits of a message, and counts it in `left_out`.
    pub fn enforce_limits(&mut self) {
        let left_out = &mut self.left_out;
        let count = |value: &u64| *value <= MAX_GROWTH;
        let gauge = |value: &f64| value.is_finite() && value.abs() <= MAX_GAUGE;
        retain(&mut self.counters, MAX_COUNTERS, count, left_out);
        retain(&mut self.gauges, MAX_GAUGES, gauge, left_out);
        retain(&mut self.latencies, MAX_LATENCIES, |_| true, left_out);
        let mut room = MAX_BUCKET_COUNTERS;
        for bucket in &mut self.buckets {
            retain(&mut bucket.counters, room, count, left_out);
            room -= bucket.counters.len();
        }
        self.buckets.retain(|bucket| !bucket.counters.is_empty());
        self.unexpected_answers.truncate(MAX_UNEXPECTED_ANSWERS);
        self.unexpected_answers.iter_mut().for_each(shorten);
    }
}

/// Whether a text can be the name of a counter, a gauge or a latency. It then stands in a
/// line of the record without quotes.
fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@()".contains(&byte);
    (1..=MAX_NAME_LEN).contains(&name.len()) && name.bytes().all(is_allowed)
}

/// Keeps at most `most` entries with valid names and values.
fn retain<T>(
    entries: &mut Vec<(String, T)>,
    most: usize,
    is_possible: impl Fn(&T) -> bool,
    left_out: &mut LeftOut,
) {
    let mut kept = 0;
    entries.retain(|(name, value)| {
        let excuse = match (is_name(name), is_possible(value)) {
            (false, _) => &mut left_out.invalid_names,
            (_, false) => &mut left_out.impossible_values,
            _ if kept == most => &mut left_out.excess_names,
            _ => {
                kept += 1;
                return true;
            }
        };
        *excuse += 1;
        false
    });
    // The memory of what was left out, while the message waits to be recorded.
    entries.shrink_to_fit();
}

fn shorten(answer: &mut UnexpectedAnswer) {
    for text in [&mut answer.location, &mut answer.body]
        .into_iter()
        .flatten()
    {
        if let Some((end, _)) = text.char_indices().nth(MAX_TEXT_CHARS) {
            text.truncate(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::CounterBucket;

    fn named<T>(names: &[&str], value: impl Fn() -> T) -> Vec<(String, T)> {
        let names = names.iter();
        names.map(|name| ((*name).to_owned(), value())).collect()
    }

    #[test]
    fn only_names_of_the_closed_alphabet_are_kept() {
        let valid = ["sockets.opened", "opened.(other)", "commands.owner@home-n1"];
        let long = "x".repeat(MAX_NAME_LEN + 1);
        let invalid = [
            "",
            "a,b",
            "a b",
            "a\nb",
            "\u{1b}[2J",
            "<b>",
            "n\u{202e}1",
            "ä",
            &long,
        ];
        let mut interval = WorkerInterval {
            counters: named(&[&valid[..], &invalid].concat(), || 1),
            gauges: named(&invalid, || 1.0),
            latencies: named(&invalid, String::new),
            buckets: vec![CounterBucket {
                number: 1,
                counters: named(&invalid, || 1),
            }],
            ..WorkerInterval::default()
        };
        interval.enforce_limits();
        assert_eq!(interval.counters, named(&valid, || 1));
        assert!(interval.gauges.is_empty() && interval.latencies.is_empty());
        assert_eq!(interval.buckets, []);
        assert_eq!(interval.left_out.invalid_names, 4 * invalid.len() as u64);
    }

    #[test]
    fn impossible_values_and_excess_entries_are_counted() {
        let many: Vec<String> = (0..2_000).map(|number| format!("x.{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let mut interval = WorkerInterval {
            counters: [named(&["a"], || u64::MAX), named(&many, || 1)].concat(),
            gauges: named(&["a"], || f64::INFINITY),
            latencies: named(&many, String::new),
            ..WorkerInterval::default()
        };
        interval.enforce_limits();
        assert_eq!(interval.counters.len(), MAX_COUNTERS);
        assert_eq!(interval.latencies.len(), MAX_LATENCIES);
        let excess = 2 * many.len() - MAX_COUNTERS - MAX_LATENCIES;
        assert_eq!(
            interval.left_out,
            LeftOut {
                invalid_names: 0,
                impossible_values: 2,
                excess_names: excess as u64,
            }
        );
        assert_eq!(
            interval.left_out.to_string(),
            format!("2 with an impossible value, {excess} beyond the most names that are kept")
        );
    }
}
