//! A [`ClientAccess`], ready to be used by a worker.

use std::{fmt::Write, sync::Arc};

use reqwest::{
    Client, ClientBuilder,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
};
use tokio_rustls::TlsConnector;

use super::{
    CertVerification, ClientAccess, SecretMask, SecretString, TlsSetupError, TokenSigner,
    resolver::RotatingResolver,
};

/// The user in the token of a worker's commands.
const COMMAND_USER: &str = "commands";

/// The part of a header field's value that stands for the device's id.
const DEVICE_PLACEHOLDER: &str = "{device}";

/// The TLS settings, header fields and tokens of a worker's sockets and commands.
pub struct ClientOptions {
    tls_verify: CertVerification,
    tls: TlsConnector,
    /// Header lines of an upgrade request, each with its CR LF.
    header_lines: SecretString,
    /// Whether the header lines name the device.
    has_device: bool,
    /// The subprotocols that the header lines offer.
    subprotocols: Vec<String>,
    /// Header fields of every command, the worker's own token included.
    command_headers: HeaderMap,
    /// Header fields of commands that name their device.
    device_headers: Vec<(String, SecretString)>,
    /// All header fields of the scenario, to find their values in answers.
    headers: Vec<(String, SecretString)>,
    signer: Option<TokenSigner>,
}

impl ClientOptions {
    /// Prepares `access` for use.
    ///
    /// # Errors
    /// If the authorities' certificates are not valid.
    pub fn new(access: &ClientAccess) -> Result<Self, TlsSetupError> {
        let mut lines = String::new();
        let mut command_headers = HeaderMap::new();
        let mut device_headers = Vec::new();
        for (name, secret) in &access.headers {
            let value = secret.expose_secret();
            // Writing to a String cannot fail.
            let _ = write!(lines, "{name}: {value}\r\n");
            match value.contains(DEVICE_PLACEHOLDER) {
                true => device_headers.push((name.clone(), secret.clone())),
                false => insert_header(&mut command_headers, name, value),
            }
        }
        if !access.subprotocols.is_empty() {
            let offered = access.subprotocols.join(", ");
            let _ = write!(lines, "Sec-WebSocket-Protocol: {offered}\r\n");
        }
        if let Some(signer) = &access.signer {
            let token = signer.token(COMMAND_USER, "*");
            let value = format!("Bearer {}", token.expose_secret());
            insert_header(&mut command_headers, AUTHORIZATION.as_str(), &value);
        }
        Ok(Self {
            tls: TlsConnector::from(Arc::new(access.tls_verify.client_config()?)),
            tls_verify: access.tls_verify.clone(),
            has_device: lines.contains(DEVICE_PLACEHOLDER),
            header_lines: lines.into(),
            subprotocols: access.subprotocols.clone(),
            command_headers,
            device_headers,
            headers: access.headers.clone(),
            signer: access.signer.clone(),
        })
    }

    /// Returns the TLS connector of sockets.
    pub fn tls(&self) -> &TlsConnector {
        &self.tls
    }

    /// Returns the mask of the secrets in header fields and in the queries of `addresses`.
    pub fn secret_mask(&self, addresses: &[String]) -> SecretMask {
        SecretMask::new(&self.headers, addresses)
    }

    /// Returns the subprotocols that every upgrade request offers.
    pub fn subprotocols(&self) -> &[String] {
        &self.subprotocols
    }

    /// Returns the header lines of a device's upgrade request, each with its CR LF.
    pub fn header_lines_for(&self, device: &str) -> SecretString {
        let lines = match self.has_device {
            true => fill_in(&self.header_lines, device),
            false => self.header_lines.clone(),
        };
        match &self.signer {
            None => lines,
            // Signed per attempt: a token costs some microseconds and no memory.
            Some(signer) => {
                let token = signer.token(device, device);
                let lines = lines.expose_secret();
                format!("{lines}Authorization: Bearer {}\r\n", token.expose_secret()).into()
            }
        }
    }

    /// Returns the header fields of a command that name its device.
    pub fn command_headers_for(&self, device: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.device_headers {
            insert_header(&mut headers, name, fill_in(value, device).expose_secret());
        }
        headers
    }

    /// Builds HTTP client `number` of `clients` for commands, with the settings that
    /// `configure` adds. The clients' connections spread over the addresses of a name, as
    /// sockets do.
    ///
    /// # Errors
    /// If the authorities' certificates are not valid.
    pub fn http_client(
        &self,
        number: u32,
        clients: u32,
        configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, TlsSetupError> {
        let headers = self.command_headers.clone();
        self.tls_verify.http_client(|client| {
            let resolver = RotatingResolver::new(number, clients);
            let client = client.dns_resolver(Arc::new(resolver));
            configure(client.default_headers(headers))
        })
    }
}

fn fill_in(template: &SecretString, device: &str) -> SecretString {
    let template = template.expose_secret();
    template.replace(DEVICE_PLACEHOLDER, device).into()
}

/// Returns header fields for an HTTP client that sends the same ones with every request.
pub(crate) fn header_map(fields: &[(String, SecretString)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        insert_header(&mut headers, name, value.expose_secret());
    }
    headers
}

/// Inserts a header field. The plan and the variables were checked before; a field that
/// HTTP does not allow all the same is left out.
fn insert_header(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.as_bytes());
    if let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_str(value)) {
        // Hides the value from the HTTP client's own logs.
        value.set_sensitive(true);
        headers.append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_and_commands_share_headers_and_have_tokens_of_their_own() {
        let access = ClientAccess {
            headers: vec![("X-Tenant".to_owned(), "t1".to_owned().into())],
            signer: Some(TokenSigner::random(std::time::Duration::ZERO)),
            ..ClientAccess::default()
        };
        let options = ClientOptions::new(&access).unwrap();
        let lines = options.header_lines_for("home-1");
        let lines = lines.expose_secret();
        assert!(lines.starts_with("X-Tenant: t1\r\nAuthorization: Bearer ey"));
        assert!(lines.ends_with("\r\n"));
        assert_eq!(options.command_headers["x-tenant"], "t1");
        assert!(options.command_headers.contains_key(AUTHORIZATION));
        assert!(!format!("{access:?}").contains("t1"));

        let access = ClientAccess {
            headers: vec![("X-Key".to_owned(), "k-{device}".to_owned().into())],
            subprotocols: vec!["mqtt".to_owned(), "v1.mqtt".to_owned()],
            ..ClientAccess::default()
        };
        let options = ClientOptions::new(&access).unwrap();
        assert_eq!(
            options.header_lines_for("home-1").expose_secret(),
            "X-Key: k-home-1\r\nSec-WebSocket-Protocol: mqtt, v1.mqtt\r\n"
        );
        assert_eq!(options.command_headers_for("home-2")["x-key"], "k-home-2");
        assert!(options.command_headers.is_empty());

        let plain = ClientOptions::new(&ClientAccess::default()).unwrap();
        assert_eq!(plain.header_lines_for("home-1").expose_secret(), "");
        assert!(plain.command_headers.is_empty());
    }
}
