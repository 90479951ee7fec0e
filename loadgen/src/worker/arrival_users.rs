//! The users of the open model that may still begin work.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// The number of users that follow a schedule of arrivals.
///
/// The drain waits for them. Otherwise it could close the sockets before a late user has begun
/// what was due.
#[derive(Debug, Default)]
pub struct ArrivalUsers(AtomicUsize);

/// A user that follows a schedule, until it is dropped.
#[derive(Debug)]
pub struct ArrivalUser<'a>(&'a ArrivalUsers);

impl ArrivalUsers {
    /// Returns the number of users that may still begin work.
    pub fn count(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// Counts a user until the returned value is dropped.
    pub fn enter(&self) -> ArrivalUser<'_> {
        self.0.fetch_add(1, SeqCst);
        ArrivalUser(self)
    }
}

impl Drop for ArrivalUser<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, SeqCst);
    }
}
