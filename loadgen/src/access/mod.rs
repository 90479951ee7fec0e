//! How clients get in: whose certificates they take, and what they show.
//!
//! - [`trust`]: whose certificates are taken;
//! - [`hidden`]: texts that are never shown;
//! - [`variables`]: header fields with values from the environment;
//! - [`token`]: tokens that a worker signs itself;
//! - [`doorway`]: all of it, ready to be used by a worker.
//!
//! The coordinator makes an [`ClientAccess`] and hands it to every worker, so that a
//! worker on another machine needs neither files nor variables of its own.

pub mod client_options;
pub mod secret;
pub mod tls_verify;
pub mod token;
pub mod variables;

use serde::{Deserialize, Serialize};

pub use client_options::ClientOptions;
pub use secret::SecretString;
pub use tls_verify::{CertVerification, TlsSetupError};
pub use token::TokenSigner;
pub use variables::VariableError;

/// What a worker needs to be let in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientAccess {
    /// Whose certificates are taken.
    pub tls_verify: CertVerification,
    /// Names and values of header fields that every socket's opening and every
    /// command carries.
    pub headers: Vec<(String, SecretString)>,
    /// Signs a token for each device, where nodes require one.
    pub signer: Option<TokenSigner>,
}
