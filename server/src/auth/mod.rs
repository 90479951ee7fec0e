//! Who may do what: signed tokens that every node checks by itself, and the data
//! of the sessions they belong to.
//!
//! In reading order: [`config`] (what a node is told), [`secret`] (what tokens are
//! signed with), `session_id`, `token` (signing and checking), `grant` (what a token allows),
//! [`store`] (where session data lies), `access` (all of it together).

mod authenticator;
pub mod config;
mod grant;
pub mod lifetime;
pub mod secret;
mod session_id;
pub mod store;
mod token;

pub(crate) use self::{
    authenticator::Authenticator,
    grant::{DevicePatterns, Grant},
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
