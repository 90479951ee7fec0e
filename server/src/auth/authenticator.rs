//! Tokens, login and store of one node, together.

use std::{sync::Arc, time::Duration};

use super::{
    AuthConfig, AuthError, Claims, FailedAttempts, Grant, Secret, SessionStore, Tokens, store,
};

/// The key, the session store and the rules of a node that checks tokens.
pub(crate) struct Authenticator {
    tokens: Tokens,
    /// Whether sockets, commands and publishes need a token.
    pub(crate) required: bool,
    pub(crate) login_secret: Option<Secret>,
    pub(crate) failed_logins: FailedAttempts,
    /// The lifetime of a session and of its token.
    pub(crate) lifetime: Duration,
    pub(crate) store: Arc<dyn SessionStore>,
}

impl Authenticator {
    pub(crate) fn new(config: &AuthConfig) -> Self {
        Self {
            tokens: Tokens::new(&config.secret)
                .with_previous(config.previous_secret.as_ref())
                .with_audience(config.audience.clone()),
            required: config.required,
            login_secret: config.login_secret.clone(),
            failed_logins: FailedAttempts::default(),
            lifetime: config.lifetime.duration(),
            store: store::open(&config.store),
        }
    }

    /// Returns a token for a new session, and its end in seconds since 1970.
    pub(crate) fn sign(&self, claims: Claims) -> (String, u64) {
        self.tokens.sign(claims, self.lifetime)
    }

    /// Checks `token` and returns the rights of its bearer.
    pub(crate) fn verify(&self, token: Option<&str>) -> Result<Grant, AuthError> {
        self.tokens.verify(token.ok_or(AuthError::Missing)?)
    }
}
