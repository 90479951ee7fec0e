//! Authentication and authorization. Every node checks signed tokens by itself; the data of
//! their sessions lies in a store.
//!
//! ```text
//! bearer token ─► Authenticator ─► Tokens::verify ─► Grant ─► allowed or an AuthError
//! POST /sessions ─► Authenticator ─► SessionStore (memory, Redis)
//!                                └─► Tokens::sign ─► token
//! ```
//!
//! In reading order:
//! - [`config`]: the settings; [`secret`]: the signing key;
//! - `session_id`, `token`: signing and verifying tokens;
//! - `grant`: the rights that a token grants; [`lifetime`]: their duration;
//! - `attempts`: the limit of wrong secrets from one address; `account_limit`: the limit for
//!   one account; `login_limit`: both together;
//! - [`store`]: session data; `authenticator`: all of it together.

mod account_limit;
mod attempts;
mod authenticator;
pub mod config;
mod grant;
pub mod lifetime;
mod login_limit;
pub mod secret;
mod session_id;
pub mod store;
mod token;

use self::{account_limit::AccountLimit, attempts::FailedAttempts};
pub(crate) use self::{
    authenticator::{Authenticator, RejectedToken, TokenAccount},
    grant::{DevicePatterns, Grant},
    login_limit::LoginLimit,
    session_id::SessionId,
    store::{SessionStore, StoreError},
    token::{AuthError, Claims, Tokens},
};
pub use self::{
    config::AuthConfig,
    lifetime::Lifetime,
    secret::{Secret, SecretError},
    store::{InvalidStoreUrl, StoreUrl},
};
