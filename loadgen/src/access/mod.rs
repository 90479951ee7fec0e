//! The access of clients to the system: certificates, header fields and tokens.
//!
//! ```text
//! plan::TargetSpec, environment ──► ClientAccess ──control link──► ClientOptions
//!            coordinator              (serialised)                worker
//! ```
//!
//! The coordinator makes a [`ClientAccess`] and sends it to every worker, so that a worker
//! on another machine needs neither files nor variables of its own. Secrets stay out of
//! logs, records and command lines.
//!
//! - [`tls_verify`]: the certificates that clients accept;
//! - [`secret`]: a string that no log and no record shows;
//! - [`environment`]: variables of the environment;
//! - [`header_templates`]: header fields with placeholders;
//! - [`token`]: tokens that a worker signs itself; `bearer`: the token of operators;
//! - [`resolver`]: the addresses of a name, each in its turn;
//! - [`client_options`]: all of it, ready to be used by a worker.

mod bearer;
pub mod client_options;
pub mod environment;
pub mod header_templates;
pub mod resolver;
pub mod secret;
pub mod tls_verify;
pub mod token;

use serde::{Deserialize, Serialize};

pub(crate) use bearer::bearer_headers;
pub use client_options::ClientOptions;
pub use environment::{Environment, VariableError};
pub use header_templates::{HeaderTemplates, UnsendableValue};
pub use secret::SecretString;
pub use tls_verify::{CertVerification, TlsSetupError};
pub use token::TokenSigner;

/// The certificates, header fields and tokens of a worker's clients.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientAccess {
    /// The certificates that clients accept.
    pub tls_verify: CertVerification,
    /// Names and values of header fields in every upgrade request and every command, as the
    /// scenario writes them: with placeholders.
    pub headers: Vec<(String, SecretString)>,
    /// The variables of the environment that the plan names.
    #[serde(default)]
    pub environment: Environment,
    /// The subprotocols that every upgrade request offers, best first.
    #[serde(default)]
    pub subprotocols: Vec<String>,
    /// The signer of a token per device, if nodes require tokens.
    pub signer: Option<TokenSigner>,
}
