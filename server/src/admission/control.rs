//! The check of a newcomer, before anything that costs.

use std::{sync::Arc, time::Duration};

use super::{Place, Room, rate_limiter::Bucket};
use crate::rate::Rate;

/// A node that is full stays so until somebody leaves.
const FULL_RETRY: Duration = Duration::from_secs(5);

/// Bounds how many there are at once, device sockets or TLS handshakes, and how many
/// new ones there are a second.
#[derive(Debug)]
pub(crate) struct Gate {
    room: Arc<Room>,
    rate: Option<Bucket>,
}

/// Why somebody is turned away, and when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Closed {
    #[error("this node holds as many sockets as it may")]
    Full,
    #[error("this node takes no more new sockets at the moment")]
    TooFast(Duration),
}

impl Gate {
    pub(crate) fn new(at_once: Option<usize>, rate: Option<Rate>, burst: Option<u32>) -> Self {
        Self {
            room: Arc::new(Room::new(at_once)),
            rate: rate.map(|rate| Bucket::new(rate, burst)),
        }
    }

    /// Lets one through. The place is the newcomer's for as long as it lasts.
    pub(crate) fn pass(&self) -> Result<Place, Closed> {
        let place = self.room.enter().ok_or(Closed::Full)?;
        match self.rate.as_ref().map_or(Ok(()), Bucket::take) {
            Ok(()) => Ok(place),
            Err(wait) => Err(Closed::TooFast(wait)),
        }
    }

    /// The socket of a kept place has ended.
    pub(crate) fn left(&self) {
        self.room.leave();
    }
}

impl Closed {
    /// Whole seconds, for `Retry-After`.
    pub(crate) fn retry_after_s(self) -> u32 {
        let wait = match self {
            Self::Full => FULL_RETRY,
            Self::TooFast(wait) => wait,
        };
        u32::try_from(wait.as_secs_f64().ceil() as u64).map_or(u32::MAX, |s| s.max(1))
    }

    /// The label in `highwater_upgrades_rejected_total`.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Full => "sockets",
            Self::TooFast(_) => "rate",
        }
    }
}
