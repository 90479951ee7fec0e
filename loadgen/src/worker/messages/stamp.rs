//! The stamp of a message: text that any server passes on as it is.
//!
//! A subscriber finds the stamp without parsing the frame around it, because parsing the
//! JSON of thousands of messages a second would be the harness's own load.

use std::fmt::Write;

/// The start of every stamp, with the opening quote of the JSON string.
const MARK: &str = "\"hw1:";

/// The origin and the times of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Number of its load in the plan.
    pub load: usize,
    /// Number of its publisher in the load.
    pub publisher: u64,
    /// Number among the publisher's messages that may have gone out.
    pub sequence: u64,
    /// Number among the publisher's messages that were due; larger than the sequence if
    /// some were not published.
    pub index: u64,
    /// The time at which it was due, in microseconds on the run's clock.
    pub due_us: u64,
    /// The time at which it was sent, in microseconds on the run's clock.
    pub sent_us: u64,
}

impl Stamp {
    /// Returns a JSON string of `size` bytes between its quotes, or more if the stamp
    /// needs more.
    pub fn body(&self, size: usize) -> String {
        let mut body = String::with_capacity(size + 2);
        body.push_str(MARK);
        let fields = [
            self.load as u64,
            self.publisher,
            self.sequence,
            self.index,
            self.due_us,
            self.sent_us,
        ];
        for field in fields {
            // Writing to a String cannot fail.
            let _ = write!(body, "{field}:");
        }
        // `size` counts what is between the quotes. The opening quote is in the text already.
        let padding = (size + 1).saturating_sub(body.len());
        body.extend(std::iter::repeat_n('x', padding));
        body.push('"');
        body
    }

    /// Finds the stamp in a frame's text; `None` if the text carries no stamp.
    pub fn find(text: &str) -> Option<Self> {
        let fields = &text[text.find(MARK)? + MARK.len()..];
        // Six fields and the rest of the frame, which no field may take in.
        let mut fields = fields.splitn(7, ':').map(str::parse);
        let mut next = || fields.next()?.ok();
        Some(Self {
            load: usize::try_from(next()?).ok()?,
            publisher: next()?,
            sequence: next()?,
            index: next()?,
            due_us: next()?,
            sent_us: next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn written_stamp_is_found(
            load in 0usize..64,
            publisher in 0u64..1_000_000,
            sequence: u64,
            due_us: u64,
            size in 0usize..400,
        ) {
            let stamp = Stamp { load, publisher, sequence, index: sequence, due_us, sent_us: due_us };
            let body = stamp.body(size);
            let text: String = serde_json::from_str(&body).unwrap();
            prop_assert!(text.len() == size || text.ends_with(':'));
            let frame = format!(r#"{{"type":"message","topic":"t","body":{body}}}"#);
            prop_assert_eq!(Stamp::find(&frame), Some(stamp));
        }

        #[test]
        fn damaged_stamp_does_not_panic(text in "\\PC{0,60}|\"hw1:[0-9:x]{0,80}") {
            let _ = Stamp::find(&text);
        }
    }

    /// The smallest size that a scenario may ask for is 96 bytes.
    #[test]
    fn stamp_of_a_day_fits_the_smallest_size() {
        let stamp = Stamp {
            load: 63,
            publisher: 999_999,
            sequence: 9_999_999_999,
            index: 9_999_999_999,
            due_us: 99_999_999_999,
            sent_us: 99_999_999_999,
        };
        assert_eq!(stamp.body(96).len(), 98);
    }
}
