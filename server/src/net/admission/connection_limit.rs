//! A limit of open connections.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// A count with a bound.
#[derive(Debug)]
pub(crate) struct ConnectionLimit {
    max: usize,
    open: AtomicUsize,
}

/// One counted connection. Dropping it releases the count.
#[derive(Debug)]
pub(crate) struct Permit(Option<Arc<ConnectionLimit>>);

impl ConnectionLimit {
    /// Returns a limit; `None` has no bound.
    pub(crate) fn new(max: Option<usize>) -> Self {
        Self {
            max: max.unwrap_or(usize::MAX),
            open: AtomicUsize::new(0),
        }
    }

    /// Returns the bound; `None` without one.
    pub(crate) fn max(&self) -> Option<usize> {
        Some(self.max).filter(|max| *max != usize::MAX)
    }

    /// Returns the number of counted connections.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// Counts a connection, if the bound allows another.
    pub(crate) fn try_acquire(self: &Arc<Self>) -> Option<Permit> {
        // A check apart from the count would let two connections take the last permit.
        self.open
            .fetch_update(Relaxed, Relaxed, |open| {
                (open < self.max).then_some(open + 1)
            })
            .ok()
            .map(|_| Permit(Some(Arc::clone(self))))
    }

    /// Counts a connection, beyond the bound too; [`release`](Self::release) must follow.
    pub(crate) fn acquire_unchecked(&self) {
        self.open.fetch_add(1, Relaxed);
    }

    /// Ends the count of one connection.
    pub(crate) fn release(&self) {
        self.open.fetch_sub(1, Relaxed);
    }
}

impl Permit {
    /// Keeps the count after this permit; [`ConnectionLimit::release`] ends it.
    pub(crate) fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(limit) = &self.0 {
            limit.release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_holds_until_a_permit_is_released() {
        let limit = Arc::new(ConnectionLimit::new(Some(2)));
        let first = limit.try_acquire().unwrap();
        let second = limit.try_acquire();
        assert!(second.is_some() && limit.try_acquire().is_none());
        drop(first);
        let third = limit.try_acquire();
        assert!(third.is_some());
        limit.acquire_unchecked();
        drop(second);
        assert!(limit.try_acquire().is_none());
        third.unwrap().forget();
        assert!(limit.try_acquire().is_none());
        limit.release();
        assert!(limit.try_acquire().is_some());
    }
}
