//! Tokens, login and store of one node, together.

use std::{borrow::Cow, net::IpAddr, sync::Arc, time::Duration};

use super::{
    AccountLimit, AuthConfig, AuthError, Claims, Grant, LoginLimit, Secret, SessionStore, Tokens,
    store,
};

/// The entries for the accounts of tokens: as many as a node has devices. They take half a
/// mebibyte.
const TOKEN_ENTRIES: usize = 1 << 15;

/// The key, the session store and the rules of a node that checks tokens.
pub(crate) struct Authenticator {
    tokens: Tokens,
    /// Whether sockets, commands and publishes need a token.
    pub(crate) required: bool,
    pub(crate) login_secret: Option<Secret>,
    pub(crate) login_limit: LoginLimit,
    /// Limits wrong tokens for one device, user or session.
    token_limit: AccountLimit,
    /// The lifetime of a session and of its token.
    pub(crate) lifetime: Duration,
    pub(crate) store: Arc<dyn SessionStore>,
}

/// The account for which a token is presented.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TokenAccount<'a> {
    /// The device or the session that the request is for.
    Named(&'a str),
    /// The user that the token names.
    User,
}

/// A rejected token, and the time after which another may be presented.
#[derive(Debug)]
pub(crate) struct RejectedToken {
    pub(crate) reason: AuthError,
    pub(crate) wait: Duration,
}

impl From<AuthError> for RejectedToken {
    fn from(reason: AuthError) -> Self {
        Self {
            reason,
            wait: Duration::ZERO,
        }
    }
}

impl Authenticator {
    pub(crate) fn new(config: &AuthConfig) -> Self {
        Self {
            tokens: Tokens::new(&config.secret)
                .with_previous(config.previous_secret.as_ref())
                .with_audience(config.audience.clone()),
            required: config.required,
            login_secret: config.login_secret.clone(),
            login_limit: LoginLimit::default(),
            token_limit: AccountLimit::new(TOKEN_ENTRIES),
            lifetime: config.lifetime.duration(),
            store: store::open(&config.store),
        }
    }

    /// Returns a token for a new session, and its end in seconds since 1970.
    pub(crate) fn sign(&self, claims: Claims) -> (String, u64) {
        self.tokens.sign(claims, self.lifetime)
    }

    /// Checks the token that `client` presents for `account`, and returns the rights of its
    /// bearer. A token that was not signed here counts as a guess.
    ///
    /// # Errors
    /// [`RejectedToken`], with the time to wait if the account has too many guesses.
    pub(crate) fn verify(
        &self,
        token: Option<&str>,
        account: TokenAccount<'_>,
        client: IpAddr,
    ) -> Result<Grant, RejectedToken> {
        let token = token.ok_or(AuthError::Missing)?;
        let account = match account {
            TokenAccount::Named(account) => Some(Cow::Borrowed(account)),
            TokenAccount::User => self.tokens.claimed_user(token).map(Cow::Owned),
        };
        // A token without a user is rejected in any case, and guesses nobody's.
        let Some(account) = account else {
            return Ok(self.tokens.verify(token)?);
        };
        self.token_limit
            .check(&account, client)
            .map_err(|wait| RejectedToken {
                reason: AuthError::AccountLimit,
                wait,
            })?;
        let verified = self.tokens.verify(token);
        match &verified {
            Ok(_) => self.token_limit.record_right(&account, client),
            Err(AuthError::Invalid) => self.token_limit.record_wrong(&account),
            Err(_) => {}
        }
        Ok(verified?)
    }
}
