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
//! - [`tls_verify`]: the certificates that clients accept, checked by `cert_verifier`;
//!   `broker_tls`: TLS to brokers and the bus;
//! - [`client_identity`]: the certificate that clients show;
//! - `pem`, `tls_error`: files of certificates, and the reasons why TLS cannot be set up;
//! - [`server_name`]: the server's name, where addresses do not hold it;
//! - [`http_proxy`]: the proxy between clients and the system;
//! - [`secret`]: a string that no log and no record shows; [`secret_mask`]: secrets in the
//!   system's answers;
//! - [`variables`]: values of variables of the environment, for the proxy and observed processes;
//!   [`environment`]: those that clients need;
//! - [`header_templates`]: header fields with placeholders;
//! - [`token`]: tokens that a worker signs itself; `bearer`: the token of operators;
//! - [`resolver`]: the addresses of a name, each in its turn;
//! - [`client_options`]: all of it, ready to be used by a worker.

mod bearer;
mod broker_tls;
mod cert_verifier;
pub mod client_identity;
pub mod client_options;
pub mod environment;
pub mod header_templates;
pub mod http_proxy;
mod pem;
pub mod resolver;
pub mod secret;
pub mod secret_mask;
pub mod server_name;
mod tls_error;
pub mod tls_verify;
pub mod token;
pub mod variables;

use highwater_scenarios::{
    Plan,
    plan::{Compression, TargetSpec},
};
use serde::{Deserialize, Serialize};

pub(crate) use bearer::bearer_headers;
pub(crate) use broker_tls::broker_tls_config;
pub use client_identity::ClientIdentity;
pub use client_options::ClientOptions;
pub(crate) use client_options::header_map;
pub use environment::Environment;
pub(crate) use header_templates::insert_header;
pub use header_templates::{HeaderTemplates, UnsendableValue};
pub use http_proxy::HttpProxy;
pub use secret::SecretString;
pub use secret_mask::SecretMask;
pub use server_name::ServerNameOverride;
pub use tls_error::TlsSetupError;
pub use tls_verify::CertVerification;
pub use token::TokenSigner;
pub use variables::VariableError;

/// The certificates, header fields and tokens of a worker's clients.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientAccess {
    /// The certificates that clients accept.
    pub tls_verify: CertVerification,
    /// The certificate that clients show, if they have one.
    #[serde(default)]
    pub identity: Option<ClientIdentity>,
    /// The server's name in place of the hosts of addresses.
    #[serde(default)]
    pub server_name: Option<ServerNameOverride>,
    /// The proxy that sockets and commands go through.
    #[serde(default)]
    pub proxy: Option<HttpProxy>,
    /// The compression that every upgrade request offers.
    #[serde(default)]
    pub compression: Compression,
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

/// The reason why the access to a target cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A certificate or a key is missing or not valid.
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
    /// A variable of the environment is not set or not valid.
    #[error(transparent)]
    Variable(#[from] VariableError),
}

impl ClientAccess {
    /// Prepares the access to a target: reads its files, and replaces every `${NAME}` by the
    /// value that `look_up` returns. `frame_variables` are the variables that frames name.
    ///
    /// # Errors
    /// If a file or a variable is missing or not valid.
    pub fn from_target(
        plan: &Plan,
        target: &TargetSpec,
        frame_variables: &[String],
        look_up: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, AccessError> {
        let proxy = target.proxy.as_deref();
        let proxy = proxy.map(|address| HttpProxy::from_address(address, &look_up));
        let headers = target.headers.iter();
        let headers = headers.map(|header| (header.name.clone(), header.value.clone().into()));
        let environment = Environment::resolve(plan, frame_variables, &look_up)?;
        let access = Self {
            tls_verify: CertVerification::from_target(target)?,
            identity: ClientIdentity::from_target(target)?,
            server_name: ServerNameOverride::from_target(target, &environment)?,
            proxy: proxy.transpose()?,
            compression: target.compression,
            headers: headers.collect(),
            environment,
            subprotocols: target.subprotocol.clone(),
            signer: None,
        };
        // Found invalid here, they end the run before anything is started.
        ClientOptions::new(&access)?;
        Ok(access)
    }
}

/// Checks the files of certificates and keys that clients of a target need.
///
/// # Errors
/// If a file cannot be read or is not valid, or the key is not the certificate's.
pub fn check_files(target: &TargetSpec) -> Result<(), TlsSetupError> {
    let verification = CertVerification::from_target(target)?;
    let identity = ClientIdentity::from_target(target)?;
    verification.client_config_for(identity.as_ref())?;
    Ok(())
}
