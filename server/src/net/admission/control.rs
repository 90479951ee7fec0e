//! The check of a newcomer, before anything that costs.

use std::{sync::Arc, time::Duration};

use super::{ConnectionLimit, Permit, rate_limiter::RateLimiter};
use crate::rate::Rate;

/// A full node stays full until a device leaves, so an early retry only costs both sides a handshake.
const AT_CAPACITY_RETRY_AFTER: Duration = Duration::from_secs(5);

/// Bounds how many there are at once, device sockets or TLS handshakes, and how many
/// new ones there are a second.
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
}

impl AdmissionControl {
    pub(crate) fn new(
        max_concurrent: Option<usize>,
        rate: Option<Rate>,
        burst: Option<u32>,
    ) -> Self {
        Self {
            limit: Arc::new(ConnectionLimit::new(max_concurrent)),
            rate_limiter: rate.map(|rate| RateLimiter::new(rate, burst)),
        }
    }

    /// Lets one through. The place is the newcomer's for as long as it lasts.
    pub(crate) fn try_admit(&self) -> Result<Permit, Rejected> {
        let permit = self.limit.try_acquire().ok_or(Rejected::AtCapacity)?;
        match self
            .rate_limiter
            .as_ref()
            .map_or(Ok(()), RateLimiter::try_acquire)
        {
            Ok(()) => Ok(permit),
            Err(wait) => Err(Rejected::RateLimited(wait)),
        }
    }

    /// The socket of a kept place has ended.
    pub(crate) fn release(&self) {
        self.limit.release();
    }
}

impl Rejected {
    /// Whole seconds, for `Retry-After`.
    pub(crate) fn retry_after_s(self) -> u32 {
        let wait = match self {
            Self::AtCapacity => AT_CAPACITY_RETRY_AFTER,
            Self::RateLimited(wait) => wait,
        };
        u32::try_from(wait.as_secs_f64().ceil() as u64).map_or(u32::MAX, |s| s.max(1))
    }

    /// The label in `highwater_upgrades_rejected_total`.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::AtCapacity => "at_capacity",
            Self::RateLimited(_) => "rate_limited",
        }
    }
}
