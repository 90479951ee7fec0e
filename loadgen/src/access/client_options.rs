//! An [`ClientAccess`](super::Access), ready to be used by a worker.

use std::{fmt::Write, sync::Arc};

use reqwest::{
    Client, ClientBuilder,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
};
use tokio_rustls::TlsConnector;

use super::{CertVerification, ClientAccess, SecretString, TlsSetupError, TokenSigner};

/// The user that a worker's commands are sent as.
const COMMAND_USER: &str = "commands";

/// What a worker's sockets and commands show and whom they trust.
pub struct ClientOptions {
    tls_verify: CertVerification,
    tls: TlsConnector,
    /// Lines of an HTTP head.
    header_lines: SecretString,
    /// Of commands, the worker's own token included.
    command_headers: HeaderMap,
    signer: Option<TokenSigner>,
}

impl ClientOptions {
    /// Makes ready what `access` says.
    ///
    /// # Errors
    /// If the authorities' certificates are not usable here.
    pub fn new(access: &ClientAccess) -> Result<Self, TlsSetupError> {
        let mut lines = String::new();
        let mut headers = HeaderMap::new();
        for (name, value) in &access.headers {
            // Writing to a String cannot fail.
            let _ = write!(lines, "{name}: {}\r\n", value.expose_secret());
            insert_header(&mut headers, name, value.expose_secret());
        }
        if let Some(signer) = &access.signer {
            let token = signer.token(COMMAND_USER, "*");
            let value = format!("Bearer {}", token.expose_secret());
            insert_header(&mut headers, AUTHORIZATION.as_str(), &value);
        }
        Ok(Self {
            tls: TlsConnector::from(Arc::new(access.tls_verify.client_config()?)),
            tls_verify: access.tls_verify.clone(),
            header_lines: lines.into(),
            command_headers: headers,
            signer: access.signer.clone(),
        })
    }

    /// TLS for sockets.
    pub fn tls(&self) -> &TlsConnector {
        &self.tls
    }

    /// Header lines of the opening of a device's socket, each with its line's end.
    pub fn header_lines_for(&self, device: &str) -> SecretString {
        match &self.signer {
            None => self.header_lines.clone(),
            Some(signer) => {
                let token = signer.token(device, device);
                let lines = self.header_lines.expose_secret();
                format!("{lines}Authorization: Bearer {}\r\n", token.expose_secret()).into()
            }
        }
    }

    /// An HTTP client for commands, with what `settle` adds.
    ///
    /// # Errors
    /// If the authorities' certificates are not usable here.
    pub fn http_client(
        &self,
        configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, TlsSetupError> {
        let headers = self.command_headers.clone();
        self.tls_verify
            .http_client(|client| configure(client.default_headers(headers)))
    }
}

/// Names and values were checked when the plan was read and when they were filled
/// in: one that HTTP does not allow all the same is left out.
fn insert_header(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.as_bytes());
    if let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_str(value)) {
        value.set_sensitive(true);
        headers.append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_commands_show_the_same_and_a_token_each_of_their_own() {
        let access = ClientAccess {
            headers: vec![("X-Tenant".to_owned(), "t1".to_owned().into())],
            signer: Some(TokenSigner::random(std::time::Duration::ZERO)),
            ..ClientAccess::default()
        };
        let doorway = ClientOptions::new(&access).unwrap();
        let lines = doorway.header_lines_for("home-1");
        assert!(
            lines
                .expose_secret()
                .starts_with("X-Tenant: t1\r\nAuthorization: Bearer ey")
                && lines.expose_secret().ends_with("\r\n")
        );
        assert_eq!(doorway.command_headers["x-tenant"], "t1");
        assert!(doorway.command_headers.contains_key(AUTHORIZATION));
        assert!(!format!("{access:?}").contains("t1"));

        let plain = ClientOptions::new(&ClientAccess::default()).unwrap();
        assert_eq!(plain.header_lines_for("home-1").expose_secret(), "");
        assert!(plain.command_headers.is_empty());
    }
}
