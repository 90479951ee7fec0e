//! The limits of wrong secrets: for one client address, and for one account.

use std::{net::IpAddr, time::Duration};

use super::{AccountLimit, AuthError, FailedAttempts};

/// The entries for the accounts of one secret, and for the addresses that know it.
const ENTRIES: usize = 1 << 10;

/// The limits of one kind of secrets.
#[derive(Debug)]
pub(crate) struct LoginLimit {
    addresses: FailedAttempts,
    accounts: AccountLimit,
}

/// A limit that a client or an account has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyWrongSecrets {
    /// [`AuthError::TooManyAttempts`] or [`AuthError::AccountLimit`].
    pub(crate) reason: AuthError,
    /// The time until the client may present another secret.
    pub(crate) wait: Duration,
}

impl Default for LoginLimit {
    fn default() -> Self {
        Self {
            addresses: FailedAttempts::default(),
            accounts: AccountLimit::new(ENTRIES),
        }
    }
}

impl LoginLimit {
    /// Checks whether the client may present a secret for the account.
    ///
    /// # Errors
    /// [`TooManyWrongSecrets`] after too many wrong ones.
    pub(crate) fn check(&self, account: &str, client: IpAddr) -> Result<(), TooManyWrongSecrets> {
        let reached = |reason| move |wait| TooManyWrongSecrets { reason, wait };
        self.addresses
            .check(client)
            .map_err(reached(AuthError::TooManyAttempts))?;
        self.accounts
            .check(account, client)
            .map_err(reached(AuthError::AccountLimit))
    }

    /// Counts a wrong secret for the account from the client.
    pub(crate) fn record_wrong(&self, account: &str, client: IpAddr) {
        self.addresses.record(client);
        self.accounts.record_wrong(account);
    }

    /// Remembers the client, which has presented the right secret for the account.
    pub(crate) fn record_right(&self, account: &str, client: IpAddr) {
        self.accounts.record_right(account, client);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn guesser_with_many_addresses_reaches_the_limit_of_the_account() {
        let limit = LoginLimit::default();
        let mut guesses = 0;
        let reached = loop {
            // Each address stays below its own limit.
            let client = IpAddr::V4((guesses / 5).into());
            if let Err(reached) = limit.check("anna", client) {
                break reached;
            }
            limit.record_wrong("anna", client);
            guesses += 1;
        };
        assert_eq!((reached.reason, guesses), (AuthError::AccountLimit, 100));
        let same = IpAddr::V4(1_000_000.into());
        for _ in 0..10 {
            limit.record_wrong("bert", same);
        }
        let reached = limit.check("carl", same).unwrap_err();
        assert_eq!(reached.reason, AuthError::TooManyAttempts);
    }
}
