//! The check of a new connection, before anything that costs.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use rand::Rng;

use super::{ConnectionLimit, Permit, rate_limiter::RateLimiter};
use crate::rate::Rate;

/// The seconds over which the retries at a full node are spread.
// A full node stays full until a device leaves: an early retry costs both sides a handshake.
const AT_CAPACITY_RETRY_AFTER_S: RangeInclusive<u32> = 5..=10;
/// The seconds over which the retries at a busy node are spread. Rejected together, clients
/// would otherwise return together.
const OVERLOADED_RETRY_AFTER_S: RangeInclusive<u32> = 2..=10;

/// Bounds the device sockets, or TLS handshakes, at once, and the new ones a second.
#[derive(Debug)]
pub(crate) struct AdmissionControl {
    limit: Arc<ConnectionLimit>,
    rate_limiter: Option<RateLimiter>,
}

/// The reason why a connection is rejected, and the time after which to retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejected {
    #[error("this node holds as many sockets as it may")]
    AtCapacity,
    #[error("this node takes no more new sockets at the moment")]
    RateLimited(Duration),
    #[error("this node is busy, and new sockets wait too long for it")]
    Overloaded,
    #[error("this address holds as many sockets as one may")]
    AddressLimit,
}

impl AdmissionControl {
    pub(crate) fn new(limit: Arc<ConnectionLimit>, rate: Option<Rate>, burst: Option<u32>) -> Self {
        Self {
            limit,
            rate_limiter: rate.map(|rate| RateLimiter::new(rate, burst)),
        }
    }

    /// Admits one. The permit counts it for as long as it lasts.
    pub(crate) fn try_admit(&self) -> Result<Permit, Rejected> {
        // Before the rate: a full node must not spend the tokens of later arrivals.
        let permit = self.limit.try_acquire().ok_or(Rejected::AtCapacity)?;
        if let Some(limiter) = &self.rate_limiter {
            limiter.try_acquire().map_err(Rejected::RateLimited)?;
        }
        Ok(permit)
    }

    /// Ends the count of a socket whose permit was forgotten.
    pub(crate) fn release(&self) {
        self.limit.release();
    }
}

impl Rejected {
    /// Returns the time to wait in seconds, for `Retry-After`.
    pub(crate) fn retry_after_s(self) -> u32 {
        let wait = match self {
            Self::AtCapacity | Self::AddressLimit => {
                return rand::rng().random_range(AT_CAPACITY_RETRY_AFTER_S);
            }
            Self::Overloaded => return rand::rng().random_range(OVERLOADED_RETRY_AFTER_S),
            Self::RateLimited(wait) => wait,
        };
        // RFC 9110, section 10.2.3: whole seconds. 0 would invite a retry at once.
        u32::try_from(wait.as_secs_f64().ceil() as u64).map_or(u32::MAX, |s| s.max(1))
    }

    /// Returns the label in `highwater_upgrades_rejected_total`.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::AtCapacity => "at_capacity",
            Self::RateLimited(_) => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::AddressLimit => "address_limit",
        }
    }
}
