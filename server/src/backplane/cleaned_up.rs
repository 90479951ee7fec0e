//! The result of a clean-up.

/// The counts of what a clean-up has removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CleanedUp {
    /// The silent members that were removed from the membership table.
    pub members: u64,
    /// The inboxes that were removed at the broker.
    pub inboxes: u64,
    /// The inboxes among them whose process had never joined.
    pub never_joined: u64,
}

/// A reason why a clean-up did not end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CleanUpError {
    /// The cluster's broker removes everything by itself.
    #[error(
        "cannot clean up at {0}: the embedded broker keeps nothing of a process that has ended; \
         hint: give the URL of another backplane"
    )]
    NotNeeded(String),
    /// The broker cannot be reached, or rejected something.
    #[error("cannot clean up: {0}")]
    Failed(String),
}
