//! Heart-beats: what each end offers and wants, and what follows.

use std::{fmt, time::Duration};

use crate::{header, invalid_header::InvalidHeader};

/// One end's side of a `heart-beat` header, in milliseconds. Zero: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeartBeat {
    /// The interval within which this end can send something.
    pub can_send_ms: u32,
    /// The interval within which this end wants to receive something.
    pub wants_ms: u32,
}

/// The intervals of a session as one end sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeartBeatIntervals {
    /// The longest time without a byte from this end.
    pub send: Option<Duration>,
    /// The interval within which the peer sends something. Allow it some more.
    pub receive: Option<Duration>,
}

impl HeartBeat {
    /// Parses a header; without one there are no heart-beats.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] unless the text is two numbers of milliseconds.
    pub fn parse(text: Option<&str>) -> Result<Self, InvalidHeader> {
        let Some(text) = text else {
            return Ok(Self::default());
        };
        parse_pair(text).ok_or_else(|| {
            InvalidHeader::new(
                header::HEART_BEAT,
                text,
                "two numbers of milliseconds, such as 10000,10000",
            )
        })
    }

    /// Returns the intervals of a session between this end and its peer.
    pub fn negotiate(self, peer: Self) -> HeartBeatIntervals {
        HeartBeatIntervals {
            send: longer(self.can_send_ms, peer.wants_ms),
            receive: longer(self.wants_ms, peer.can_send_ms),
        }
    }
}

impl fmt::Display for HeartBeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.can_send_ms, self.wants_ms)
    }
}

fn parse_pair(text: &str) -> Option<HeartBeat> {
    let (can_send, wants) = text.split_once(',')?;
    Some(HeartBeat {
        can_send_ms: parse_ms(can_send)?,
        wants_ms: parse_ms(wants)?,
    })
}

fn parse_ms(text: &str) -> Option<u32> {
    let text = text.trim();
    // `u32::from_str` alone would take a sign.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// Returns the longer of two intervals, unless one end has none.
fn longer(one_ms: u32, other_ms: u32) -> Option<Duration> {
    let both = one_ms > 0 && other_ms > 0;
    both.then(|| Duration::from_millis(one_ms.max(other_ms).into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn heart_beat(can_send_ms: u32, wants_ms: u32) -> HeartBeat {
        HeartBeat {
            can_send_ms,
            wants_ms,
        }
    }

    #[test]
    fn header_is_two_numbers() {
        assert_eq!(HeartBeat::parse(None), Ok(HeartBeat::default()));
        assert_eq!(
            HeartBeat::parse(Some("0,4294967295")),
            Ok(heart_beat(0, u32::MAX))
        );
        assert_eq!(HeartBeat::parse(Some("1, 2")), Ok(heart_beat(1, 2)));
        for text in ["", "1", "1,", ",1", "+1,2", "-1,2", "1,2,3", "0,4294967296"] {
            assert!(HeartBeat::parse(Some(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn interval_is_the_longer_one_and_needs_both_ends() {
        let server = heart_beat(10_000, 20_000);
        let intervals = server.negotiate(heart_beat(30_000, 5_000));
        assert_eq!(intervals.send, Some(Duration::from_secs(10)));
        assert_eq!(intervals.receive, Some(Duration::from_secs(30)));
        let one_way = server.negotiate(heart_beat(0, 1));
        assert_eq!(one_way.receive, None);
        assert_eq!(server.negotiate(HeartBeat::default()).send, None);
    }

    proptest! {
        #[test]
        fn both_ends_agree(a: u32, b: u32, c: u32, d: u32) {
            let (one, other) = (heart_beat(a, b), heart_beat(c, d));
            let (here, there) = (one.negotiate(other), other.negotiate(one));
            prop_assert_eq!(here.send, there.receive);
            prop_assert_eq!(here.receive, there.send);
            prop_assert_eq!(HeartBeat::parse(Some(&one.to_string())), Ok(one));
        }
    }
}
