//! A [`ClientAccess`], ready to be used by a worker.

use std::sync::Arc;

use highwater_scenarios::{
    Diagnostic,
    frames::{ValueNames, Values},
};
use reqwest::{
    Client, ClientBuilder,
    header::{AUTHORIZATION, HeaderMap},
};
use tokio_rustls::TlsConnector;

use super::{
    CertVerification, ClientAccess, Environment, HeaderTemplates, SecretString, TlsSetupError,
    TokenSigner, UnsendableValue, header_templates::insert_header, resolver::RotatingResolver,
};

/// The user in the token of a worker's commands.
const COMMAND_USER: &str = "commands";

/// The TLS settings, header fields and tokens of a worker's sockets and commands.
pub struct ClientOptions {
    tls_verify: CertVerification,
    tls: TlsConnector,
    /// The header fields as written.
    headers: Vec<(String, SecretString)>,
    environment: Environment,
    /// The subprotocols that every upgrade request offers.
    subprotocols: Vec<String>,
    /// Header fields of every command, the worker's own token included.
    command_headers: HeaderMap,
    signer: Option<TokenSigner>,
}

impl ClientOptions {
    /// Prepares `access` for use.
    ///
    /// # Errors
    /// If the authorities' certificates are not valid.
    pub fn new(access: &ClientAccess) -> Result<Self, TlsSetupError> {
        let mut command_headers = common_headers(access);
        if let Some(signer) = &access.signer {
            let token = signer.token(COMMAND_USER, "*");
            let value = format!("Bearer {}", token.expose_secret());
            // A token has neither spaces nor control characters.
            let _ = insert_header(&mut command_headers, AUTHORIZATION.as_str(), &value);
        }
        Ok(Self {
            tls: TlsConnector::from(Arc::new(access.tls_verify.client_config()?)),
            tls_verify: access.tls_verify.clone(),
            headers: access.headers.clone(),
            environment: access.environment.clone(),
            subprotocols: access.subprotocols.clone(),
            command_headers,
            signer: access.signer.clone(),
        })
    }

    /// Returns the variables of the environment that the plan names.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Compiles the header fields for the devices of a pool.
    ///
    /// # Errors
    /// If a value has a placeholder that the pool does not know.
    pub fn header_templates(&self, names: &mut ValueNames) -> Result<HeaderTemplates, Diagnostic> {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.expose_secret()));
        HeaderTemplates::compile(headers, names)
    }

    /// Returns the TLS connector of sockets.
    pub fn tls(&self) -> &TlsConnector {
        &self.tls
    }

    /// Returns the subprotocols that every upgrade request offers.
    pub fn subprotocols(&self) -> &[String] {
        &self.subprotocols
    }

    /// Returns the header lines of a device's upgrade request, each with its CR LF.
    ///
    /// # Errors
    /// If a value of the device cannot be sent.
    pub fn header_lines_for(
        &self,
        device: &str,
        headers: &HeaderTemplates,
        values: &dyn Values,
    ) -> Result<SecretString, UnsendableValue> {
        let mut lines = String::new();
        headers.write_lines(values, &mut lines)?;
        if !self.subprotocols.is_empty() {
            let offered = self.subprotocols.join(", ");
            lines.push_str(&format!("Sec-WebSocket-Protocol: {offered}\r\n"));
        }
        if let Some(signer) = &self.signer {
            // Signed per attempt: a token costs some microseconds and no memory.
            let token = signer.token(device, device);
            lines.push_str(&format!(
                "Authorization: Bearer {}\r\n",
                token.expose_secret()
            ));
        }
        Ok(lines.into())
    }

    /// Builds an HTTP client for commands, with the settings that `configure` adds. Its
    /// connections spread over the addresses of a name, as sockets do.
    ///
    /// # Errors
    /// If the authorities' certificates are not valid.
    pub fn http_client(
        &self,
        configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, TlsSetupError> {
        let headers = self.command_headers.clone();
        self.client_without_headers(|client| configure(client.default_headers(headers)))
    }

    /// Builds an HTTP client as [`http_client`](Self::http_client) does, for requests whose
    /// header fields the scenario writes.
    ///
    /// # Errors
    /// If the authorities' certificates are not valid.
    pub fn client_without_headers(
        &self,
        configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, TlsSetupError> {
        self.tls_verify.http_client(|client| {
            configure(client.dns_resolver(Arc::new(RotatingResolver::default())))
        })
    }
}

/// Returns the header fields that are the same for every device. Those with other values are
/// rendered for each command.
fn common_headers(access: &ClientAccess) -> HeaderMap {
    let mut common = HeaderMap::new();
    for (name, value) in &access.headers {
        let mut names = ValueNames {
            environment: access.environment.names(),
            ..ValueNames::default()
        };
        let header = [(name.as_str(), value.expose_secret())];
        // A value with a pool's own names does not compile without them.
        if let Ok(template) = HeaderTemplates::compile(header, &mut names)
            && let Ok(fields) = template.common_fields(&access.environment)
        {
            let fields = fields.into_iter();
            common.extend(fields);
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample;

    impl Values for Sample {
        fn append(&self, _value: highwater_scenarios::frames::ValueRef, out: &mut String) {
            out.push_str("home-1");
        }
    }

    fn lines(options: &ClientOptions) -> String {
        let templates = options
            .header_templates(&mut ValueNames::default())
            .unwrap();
        let lines = options.header_lines_for("home-1", &templates, &Sample);
        lines.unwrap().expose_secret().to_owned()
    }

    #[test]
    fn sockets_and_commands_share_headers_and_have_tokens_of_their_own() {
        let access = ClientAccess {
            headers: vec![("X-Tenant".to_owned(), "t1".to_owned().into())],
            signer: Some(TokenSigner::random(std::time::Duration::ZERO)),
            ..ClientAccess::default()
        };
        let options = ClientOptions::new(&access).unwrap();
        let text = lines(&options);
        assert!(text.starts_with("X-Tenant: t1\r\nAuthorization: Bearer ey"));
        assert!(text.ends_with("\r\n"));
        assert_eq!(options.command_headers["x-tenant"], "t1");
        assert!(options.command_headers.contains_key(AUTHORIZATION));
        assert!(!format!("{access:?}").contains("t1"));
    }

    #[test]
    fn fields_that_name_the_device_are_no_default_of_commands() {
        let headers = [("X-Key", "k-{device}"), ("X-Token", "{token}")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned().into()));
        let access = ClientAccess {
            headers: headers[..1].to_vec(),
            subprotocols: vec!["mqtt".to_owned(), "v1.mqtt".to_owned()],
            ..ClientAccess::default()
        };
        let options = ClientOptions::new(&access).unwrap();
        assert_eq!(
            lines(&options),
            "X-Key: k-home-1\r\nSec-WebSocket-Protocol: mqtt, v1.mqtt\r\n"
        );
        assert!(options.command_headers.is_empty());

        let access = ClientAccess {
            headers: headers.to_vec(),
            ..ClientAccess::default()
        };
        let options = ClientOptions::new(&access).unwrap();
        assert!(
            options
                .header_templates(&mut ValueNames::default())
                .is_err()
        );
        assert!(options.command_headers.is_empty());

        let plain = ClientOptions::new(&ClientAccess::default()).unwrap();
        assert_eq!(lines(&plain), "");
    }
}
