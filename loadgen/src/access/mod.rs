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
//! - [`variables`]: header fields and frames with values from the environment;
//! - [`token`]: tokens that a worker signs itself; `bearer`: the token of operators;
//! - [`resolver`]: the addresses of a name, each in its turn;
//! - [`client_options`]: all of it, ready to be used by a worker.

mod bearer;
pub mod client_options;
pub mod resolver;
pub mod secret;
pub mod tls_verify;
pub mod token;
pub mod variables;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use bearer::bearer_headers;
pub use client_options::ClientOptions;
pub use secret::SecretString;
pub use tls_verify::{CertVerification, TlsSetupError};
pub use token::TokenSigner;
pub use variables::VariableError;

/// The certificates, header fields and tokens of a worker's clients.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientAccess {
    /// The certificates that clients accept.
    pub tls_verify: CertVerification,
    /// Names and values of header fields in every upgrade request and every command.
    /// `{device}` in a value stands for the device's id.
    pub headers: Vec<(String, SecretString)>,
    /// The subprotocols that every upgrade request offers, best first.
    #[serde(default)]
    pub subprotocols: Vec<String>,
    /// The values of the variables of the environment that frames name.
    #[serde(default)]
    pub variables: BTreeMap<String, SecretString>,
    /// The signer of a token per device, if nodes require tokens.
    pub signer: Option<TokenSigner>,
}
