//! What a node is told about tokens and sessions.

use super::{Lifetime, Secret, StoreUrl};

/// Tokens and sessions of a node.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// What tokens are signed with; the same on every node of a cluster.
    pub secret: Secret,
    /// Whether sockets, commands and publishes need a token.
    pub required: bool,
    /// What `POST /sessions` must be called with; `None` serves no login.
    pub login_secret: Option<Secret>,
    /// How long a session lasts, and its token.
    pub lifetime: Lifetime,
    /// Where session data lies.
    pub store: StoreUrl,
}

impl AuthConfig {
    /// Tokens of `secret` are required; there is no login, and session data would
    /// be kept in this process.
    pub fn required(secret: Secret) -> Self {
        Self {
            secret,
            required: true,
            login_secret: None,
            lifetime: Lifetime::default(),
            store: StoreUrl::Memory,
        }
    }
}
