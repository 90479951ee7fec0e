//! A [`ClientAccess`], ready to be used by a worker.

use std::sync::Arc;

use highwater_scenarios::{
    Diagnostic,
    frames::{ValueNames, Values},
    plan::Compression,
};
use reqwest::{
    Client, ClientBuilder,
    header::{AUTHORIZATION, HeaderMap, USER_AGENT},
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::http::Uri;

use super::{
    ClientAccess, Environment, HeaderTemplates, HttpProxy, SecretMask, SecretString, TlsSetupError,
    UnsendableValue, VariableError,
    header_templates::insert_header,
    resolver::{self, RotatingResolver},
    server_name::unbracketed,
};

/// The user in the token of a worker's commands.
const COMMAND_USER: &str = "commands";

/// The TLS settings, header fields and tokens of a worker's sockets and commands.
pub struct ClientOptions {
    access: ClientAccess,
    tls: TlsConnector,
    /// Header lines of every upgrade request that the scenario does not write, each with its
    /// CR LF.
    own_lines: String,
    /// Header fields of every command, the worker's own token included.
    command_headers: HeaderMap,
}

impl ClientOptions {
    /// Prepares `access` for use.
    ///
    /// # Errors
    /// If certificates or the key are not valid.
    pub fn new(access: &ClientAccess) -> Result<Self, TlsSetupError> {
        let mut own_lines = String::new();
        if !access.headers.iter().any(|(name, _)| is_user_agent(name)) {
            let version = env!("CARGO_PKG_VERSION");
            own_lines.push_str(&format!("User-Agent: highwater/{version}\r\n"));
        }
        if !access.subprotocols.is_empty() {
            let offered = access.subprotocols.join(", ");
            own_lines.push_str(&format!("Sec-WebSocket-Protocol: {offered}\r\n"));
        }
        let mut command_headers = common_headers(access);
        if let Some(signer) = &access.signer {
            let token = signer.token(COMMAND_USER, "*");
            let value = format!("Bearer {}", token.expose_secret());
            // A token has neither spaces nor control characters.
            let _ = insert_header(&mut command_headers, AUTHORIZATION.as_str(), &value);
        }
        let tls = access
            .tls_verify
            .client_config_for(access.identity.as_ref())?;
        Ok(Self {
            tls: TlsConnector::from(Arc::new(tls)),
            own_lines,
            command_headers,
            access: access.clone(),
        })
    }

    /// Returns the variables of the environment that the plan names.
    pub fn environment(&self) -> &Environment {
        &self.access.environment
    }

    /// Compiles the header fields for the devices of a pool.
    ///
    /// # Errors
    /// If a value has a placeholder that the pool does not know.
    pub fn header_templates(&self, names: &mut ValueNames) -> Result<HeaderTemplates, Diagnostic> {
        let headers = self.access.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.expose_secret()));
        HeaderTemplates::compile(headers, names)
    }

    /// Returns scheme, host and port of addresses of the plan.
    ///
    /// # Errors
    /// If the variables of an address do not give a host.
    pub fn origins(&self, addresses: &[String]) -> Result<Vec<String>, VariableError> {
        let origins = addresses.iter().map(|address| {
            let origin = self.environment().origin(address)?;
            Ok(origin.to_string())
        });
        origins.collect()
    }

    /// Returns the TLS connector of sockets.
    pub fn tls(&self) -> &TlsConnector {
        &self.tls
    }

    /// Returns the mask of the secrets that all devices share: in header fields, in the queries
    /// of `addresses`, and in variables.
    pub fn secret_mask(&self, addresses: &[String]) -> SecretMask {
        let access = &self.access;
        SecretMask::new(&access.headers, addresses, access.environment.secrets())
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
        lines.push_str(&self.own_lines);
        if let Some(signer) = &self.access.signer {
            // Signed per attempt: a token costs some microseconds and no memory.
            let token = signer.token(device, device);
            lines.push_str(&format!(
                "Authorization: Bearer {}\r\n",
                token.expose_secret()
            ));
        }
        Ok(lines.into())
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
        let headers = self.command_headers.clone();
        self.client_without_headers(number, clients, |client| {
            configure(client.default_headers(headers))
        })
    }

    /// Builds an HTTP client as [`http_client`](Self::http_client) does, for requests whose
    /// header fields the scenario writes.
    ///
    /// # Errors
    /// If certificates, the key or the proxy are not valid.
    pub fn client_without_headers(
        &self,
        number: u32,
        clients: u32,
        configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Client, TlsSetupError> {
        let access = &self.access;
        let resolver = RotatingResolver::new(number, clients, access.server_name.clone());
        let proxy = self.proxy().map(HttpProxy::for_http_client).transpose()?;
        let verify = &access.tls_verify;
        verify.http_client_for(access.identity.as_ref(), |client| {
            let client = client.dns_resolver(Arc::new(resolver));
            configure(match proxy {
                Some(proxy) => client.proxy(proxy),
                None => client,
            })
        })
    }
}

/// Returns header fields for an HTTP client that sends the same ones with every request. They
/// were checked before; a field that HTTP does not allow all the same is left out.
pub(crate) fn header_map(fields: &[(String, SecretString)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let _ = insert_header(&mut headers, name, value.expose_secret());
    }
    headers
}

fn is_user_agent(name: &str) -> bool {
    name.eq_ignore_ascii_case(USER_AGENT.as_str())
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
            common.extend(fields);
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::TokenSigner;

    const USER_AGENT_LINE: &str =
        concat!("User-Agent: highwater/", env!("CARGO_PKG_VERSION"), "\r\n");

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
        let expected = format!("X-Tenant: t1\r\n{USER_AGENT_LINE}Authorization: Bearer ey");
        assert!(text.starts_with(&expected), "{text}");
        assert!(text.ends_with("\r\n"));
        assert_eq!(options.command_headers["x-tenant"], "t1");
        assert!(options.command_headers.contains_key(AUTHORIZATION));
        assert!(!format!("{access:?}").contains("t1"));
    }

    #[test]
    fn fields_that_name_the_device_are_no_default_of_commands() {
        let headers = [
            ("X-Key", "k-{device}"),
            ("user-agent", "k6/1"),
            ("Cookie", "a=b; c=d"),
            ("X-Token", "{token}"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned().into()));
        let access = ClientAccess {
            headers: headers[..3].to_vec(),
            subprotocols: vec!["mqtt".to_owned(), "v1.mqtt".to_owned()],
            ..ClientAccess::default()
        };
        let options = ClientOptions::new(&access).unwrap();
        assert_eq!(
            lines(&options),
            "X-Key: k-home-1\r\nuser-agent: k6/1\r\nCookie: a=b; c=d\r\n\
             Sec-WebSocket-Protocol: mqtt, v1.mqtt\r\n"
        );
        assert_eq!(options.command_headers[USER_AGENT], "k6/1");
        assert_eq!(options.command_headers["cookie"], "a=b; c=d");
        assert!(!options.command_headers.contains_key("x-key"));

        let access = ClientAccess {
            headers: headers.to_vec(),
            ..ClientAccess::default()
        };
        let options = ClientOptions::new(&access).unwrap();
        let templates = options.header_templates(&mut ValueNames::default());
        assert!(templates.is_err());
        assert!(!options.command_headers.contains_key("x-token"));

        let plain = ClientOptions::new(&ClientAccess::default()).unwrap();
        assert_eq!(lines(&plain), USER_AGENT_LINE);
        assert!(plain.command_headers.is_empty());
    }
}
