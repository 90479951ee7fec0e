//! A [`ClientAccess`], ready to be used by a worker.

use std::{fmt::Write, sync::Arc};

use highwater_scenarios::plan::Compression;
use reqwest::{
    Client, ClientBuilder,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, USER_AGENT},
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::http::Uri;

use super::{
    ClientAccess, HttpProxy, SecretMask, SecretString, TlsSetupError,
    resolver::{self, RotatingResolver},
    server_name::unbracketed,
};

/// The user in the token of a worker's commands.
const COMMAND_USER: &str = "commands";

/// The part of a header field's value that stands for the device's id.
const DEVICE_PLACEHOLDER: &str = "{device}";

/// The TLS settings, header fields and tokens of a worker's sockets and commands.
pub struct ClientOptions {
    access: ClientAccess,
    tls: TlsConnector,
    /// Header lines of an upgrade request, each with its CR LF.
    header_lines: SecretString,
    /// Whether the header lines name the device.
    has_device: bool,
    /// Header fields of every command, the worker's own token included.
    command_headers: HeaderMap,
    /// Header fields of commands that name their device.
    device_headers: Vec<(String, SecretString)>,
}

impl ClientOptions {
    /// Prepares `access` for use.
    ///
    /// # Errors
    /// If certificates or the key are not valid.
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
        if !access.headers.iter().any(|(name, _)| is_user_agent(name)) {
            let version = env!("CARGO_PKG_VERSION");
            let _ = write!(lines, "User-Agent: highwater/{version}\r\n");
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
        let tls = access
            .tls_verify
            .client_config_for(access.identity.as_ref())?;
        Ok(Self {
            tls: TlsConnector::from(Arc::new(tls)),
            has_device: lines.contains(DEVICE_PLACEHOLDER),
            header_lines: lines.into(),
            command_headers,
            device_headers,
            access: access.clone(),
        })
    }

    /// Returns the TLS connector of sockets.
    pub fn tls(&self) -> &TlsConnector {
        &self.tls
    }

    /// Returns the mask of the secrets in header fields and in the queries of `addresses`.
    pub fn secret_mask(&self, addresses: &[String]) -> SecretMask {
        SecretMask::new(&self.access.headers, addresses)
    }

    /// Returns the subprotocols that every upgrade request offers.
    pub fn subprotocols(&self) -> &[String] {
        &self.access.subprotocols
    }

    /// Returns the compression that every upgrade request offers.
    pub fn compression(&self) -> Compression {
        self.access.compression
    }

    /// Returns the proxy that sockets go through.
    pub fn proxy(&self) -> Option<&HttpProxy> {
        self.access.proxy.as_ref()
    }

    /// Returns the name that the certificate of an address's server is verified for.
    pub fn server_name<'a>(&'a self, host: &'a str) -> &'a str {
        match &self.access.server_name {
            Some(server) => &server.name,
            None => unbracketed(host),
        }
    }

    /// Returns the value of `Host` in an upgrade request to `uri`.
    pub fn host_field(&self, uri: &Uri) -> String {
        match &self.access.server_name {
            // A server that chose its certificate by another name answers 421 (RFC 9110,
            // section 7.4).
            Some(server) if uri.scheme_str() == Some("wss") => server.authority(uri),
            _ => uri.authority().map_or("", |name| name.as_str()).to_owned(),
        }
    }

    /// Returns the header lines of a device's upgrade request, each with its CR LF.
    pub fn header_lines_for(&self, device: &str) -> SecretString {
        let lines = match self.has_device {
            true => fill_in(&self.header_lines, device),
            false => self.header_lines.clone(),
        };
        match &self.access.signer {
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

    /// Returns the number of HTTP clients with which requests to these base addresses reach
    /// every address of the hosts, or of the proxy in front of them.
    pub async fn http_client_count(&self, bases: &[String]) -> u32 {
        let server_name = self.access.server_name.as_ref();
        match self.proxy() {
            Some(proxy) => {
                let base = format!("http://{}", proxy.authority);
                resolver::most_addresses(&[base], server_name).await
            }
            None => resolver::most_addresses(bases, server_name).await,
        }
    }

    /// Builds HTTP client `number` of `clients` for commands, with the settings that
    /// `configure` adds. The clients' connections spread over the addresses of a name, as
    /// sockets do.
    ///
    /// # Errors
    /// If certificates, the key or the proxy are not valid.
    pub fn http_client(
        &self,
        number: u32,
        clients: u32,
        configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, TlsSetupError> {
        let access = &self.access;
        let headers = self.command_headers.clone();
        let resolver = RotatingResolver::new(number, clients, access.server_name.clone());
        let proxy = self.proxy().map(HttpProxy::for_http_client).transpose()?;
        let verify = &access.tls_verify;
        verify.http_client_for(access.identity.as_ref(), |client| {
            let client = client
                .dns_resolver(Arc::new(resolver))
                .default_headers(headers);
            configure(match proxy {
                Some(proxy) => client.proxy(proxy),
                None => client,
            })
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

fn is_user_agent(name: &str) -> bool {
    name.eq_ignore_ascii_case(USER_AGENT.as_str())
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
    use crate::access::TokenSigner;

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
        let user_agent = concat!("User-Agent: highwater/", env!("CARGO_PKG_VERSION"), "\r\n");
        let expected = format!("X-Tenant: t1\r\n{user_agent}Authorization: Bearer ey");
        assert!(lines.starts_with(&expected), "{lines}");
        assert!(lines.ends_with("\r\n"));
        assert_eq!(options.command_headers["x-tenant"], "t1");
        assert!(options.command_headers.contains_key(AUTHORIZATION));
        assert!(!format!("{access:?}").contains("t1"));

        let access = ClientAccess {
            headers: [
                ("X-Key", "k-{device}"),
                ("user-agent", "k6/1"),
                ("Cookie", "a=b; c=d"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned().into()))
            .to_vec(),
            subprotocols: vec!["mqtt".to_owned(), "v1.mqtt".to_owned()],
            ..ClientAccess::default()
        };
        let options = ClientOptions::new(&access).unwrap();
        assert_eq!(
            options.header_lines_for("home-1").expose_secret(),
            "X-Key: k-home-1\r\nuser-agent: k6/1\r\nCookie: a=b; c=d\r\n\
             Sec-WebSocket-Protocol: mqtt, v1.mqtt\r\n"
        );
        assert_eq!(options.command_headers_for("home-2")["x-key"], "k-home-2");
        assert_eq!(options.command_headers[USER_AGENT], "k6/1");
        assert_eq!(options.command_headers["cookie"], "a=b; c=d");

        let plain = ClientOptions::new(&ClientAccess::default()).unwrap();
        assert_eq!(plain.header_lines_for("home-1").expose_secret(), user_agent);
        assert!(plain.command_headers.is_empty());
    }
}
