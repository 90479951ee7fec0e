//! The settings of tokens and sessions.

use super::{Lifetime, Secret, StoreUrl};

/// Tokens and sessions of a node.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// The secret that signs tokens. It is the same on every node of a cluster.
    pub secret: Secret,
    /// The secret before that one, whose tokens are still accepted while it is exchanged.
    pub previous_secret: Option<Secret>,
    /// The audience of this cluster. Tokens with an audience are accepted only if it is among
    /// theirs.
    pub audience: Option<String>,
    /// Whether sockets, commands and publishes need a token.
    pub required: bool,
    /// The secret that a caller of `POST /sessions` must present. `None` serves no login.
    pub login_secret: Option<Secret>,
    /// The lifetime of a session and of its token.
    pub lifetime: Lifetime,
    /// The store of session data.
    pub store: StoreUrl,
}

impl AuthConfig {
    /// Returns a configuration that requires tokens of `secret`. It serves no login, and
    /// keeps session data in this process.
    pub fn required(secret: Secret) -> Self {
        Self {
            secret,
            previous_secret: None,
            audience: None,
            required: true,
            login_secret: None,
            lifetime: Lifetime::default(),
            store: StoreUrl::Memory,
        }
    }
}
