//! The HTTP proxy between clients and the system.

use std::io;

use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;
use reqwest::{Proxy, header::HeaderValue};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{
    SecretString, TlsSetupError,
    variables::{VariableError, fill_in_variables},
};

/// Longest head of a proxy's response, in bytes.
const RESPONSE_LIMIT: usize = 8 * 1024;
/// Most header fields in that response.
const FIELDS_LIMIT: usize = 64;

/// An HTTP proxy, with the user's name and password filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpProxy {
    /// The host and the port, as a URI has them.
    pub authority: String,
    /// `USER:PASSWORD` (RFC 7617, section 2).
    pub credentials: Option<SecretString>,
}

/// The reason why a proxy opens no tunnel.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// No process accepts a connection at the proxy's address.
    #[error("cannot reach the proxy: {0}")]
    Unreachable(io::Error),
    /// The connection broke.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The proxy refused.
    #[error("the proxy answered with status {0}")]
    Rejected(u16),
    /// The answer is not that of an HTTP proxy, or its head is too long.
    #[error("invalid answer of the proxy: expected a head of HTTP/1.1 of at most 8 KiB")]
    InvalidResponse,
}

impl HttpProxy {
    /// Reads a target's proxy, `http://[USER:PASSWORD@]HOST:PORT`, and replaces every `${NAME}`
    /// by the value that `look_up` returns.
    ///
    /// # Errors
    /// If a variable has no value, or one that is not printable ASCII.
    pub fn from_address(
        address: &str,
        look_up: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, VariableError> {
        // The scenario's check has made sure of the form.
        let rest = address.strip_prefix("http://").unwrap_or(address);
        let (userinfo, authority) = match rest.rsplit_once('@') {
            Some((userinfo, authority)) => (Some(userinfo), authority),
            None => (None, rest),
        };
        let credentials = userinfo.map(|userinfo| -> Result<SecretString, VariableError> {
            // What is written out may be percent-encoded, as in a URI; a variable's value is
            // taken as it is.
            let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
            let fill_in = |text: &str| {
                let text = percent_decode_str(text).decode_utf8_lossy();
                fill_in_variables("the proxy", &text, &look_up)
            };
            Ok(format!("{}:{}", fill_in(user)?, fill_in(password)?).into())
        });
        Ok(Self {
            authority: authority.to_owned(),
            credentials: credentials.transpose()?,
        })
    }

    /// Opens a tunnel to `destination`, a host and a port, over a connection to the proxy
    /// (RFC 9110, section 9.3.6).
    ///
    /// # Errors
    /// If the proxy refuses, or its answer is not valid.
    pub async fn open_tunnel(
        &self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        destination: &str,
    ) -> Result<(), TunnelError> {
        let authorization = self.authorization().map_or_else(String::new, |value| {
            format!("Proxy-Authorization: {}\r\n", value.expose_secret())
        });
        let request =
            format!("CONNECT {destination} HTTP/1.1\r\nHost: {destination}\r\n{authorization}\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut response = Vec::with_capacity(512);
        loop {
            if stream.read_buf(&mut response).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            if let Some(answer) = parse_answer(&response)? {
                return answer;
            }
            if response.len() > RESPONSE_LIMIT {
                return Err(TunnelError::InvalidResponse);
            }
        }
    }

    /// Returns the proxy as the HTTP client takes it.
    pub(super) fn for_http_client(&self) -> Result<Proxy, TlsSetupError> {
        let proxy = Proxy::all(format!("http://{}", self.authority))?;
        let Some(authorization) = self.authorization() else {
            return Ok(proxy);
        };
        let mut value = HeaderValue::from_str(authorization.expose_secret())
            .map_err(|_| TlsSetupError::InvalidProxy)?;
        // Hides the value from the HTTP client's own logs.
        value.set_sensitive(true);
        Ok(proxy.custom_http_auth(value))
    }

    fn authorization(&self) -> Option<SecretString> {
        let credentials = self.credentials.as_ref()?.expose_secret();
        Some(format!("Basic {}", BASE64_STANDARD.encode(credentials)).into())
    }
}

/// Parses the answer to `CONNECT`; `None` until its head is complete.
fn parse_answer(response: &[u8]) -> Result<Option<Result<(), TunnelError>>, TunnelError> {
    let mut start = 0;
    loop {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_LIMIT];
        let mut parsed = httparse::Response::new(&mut fields);
        let head_len = match parsed.parse(&response[start..]) {
            Ok(httparse::Status::Complete(length)) => start + length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(TunnelError::InvalidResponse),
        };
        match parsed.code.unwrap_or_default() {
            // RFC 9110, section 15.2: a client reads past interim responses.
            100..=199 => start = head_len,
            // The system speaks only after the device, so nothing follows the head.
            200..=299 if head_len < response.len() => return Err(TunnelError::InvalidResponse),
            200..=299 => return Ok(Some(Ok(()))),
            status => return Ok(Some(Err(TunnelError::Rejected(status)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(address: &str) -> HttpProxy {
        let look_up = |name: &str| (name == "PASS").then(|| "s3c/r@t%41\n".to_owned());
        HttpProxy::from_address(address, look_up).unwrap()
    }

    #[test]
    fn user_and_password_are_filled_in_and_hidden() {
        for (address, authority, credentials) in [
            ("http://proxy:3128", "proxy:3128", None),
            ("http://u@[::1]:8080", "[::1]:8080", Some("u:")),
            ("http://u:${PASS}@h:1", "h:1", Some("u:s3c/r@t%41")),
            ("http://u%40x:a%2Fb:c@h:1", "h:1", Some("u@x:a/b:c")),
        ] {
            let proxy = proxy(address);
            assert_eq!(proxy.authority, authority);
            let shown = proxy.credentials.as_ref().map(SecretString::expose_secret);
            assert_eq!(shown, credentials);
            assert!(!format!("{proxy:?}").contains("s3c"));
        }
        let unset = HttpProxy::from_address("http://u:${NO}@h:1", |_| None);
        assert_eq!(
            unset.unwrap_err().to_string(),
            "cannot fill in the proxy: the variable NO is not set"
        );
    }

    /// Returns the request that a proxy gets and the result of its answer.
    async fn connect(proxy: &HttpProxy, answer: &[u8]) -> (String, Result<(), TunnelError>) {
        let (mut client, mut server) = tokio::io::duplex(64 * 1024);
        server.write_all(answer).await.unwrap();
        let result = proxy.open_tunnel(&mut client, "home.example:443").await;
        drop(client);
        let mut request = String::new();
        server.read_to_string(&mut request).await.unwrap();
        (request, result)
    }

    #[tokio::test]
    async fn tunnel_is_open_after_a_2xx_answer_only() {
        let proxy = proxy("http://Aladdin:open sesame@h:1");
        let (request, result) = connect(&proxy, b"HTTP/1.1 200 OK\r\n\r\n").await;
        assert!(result.is_ok(), "{result:?}");
        // The example of RFC 7617, section 2.
        assert_eq!(
            request,
            "CONNECT home.example:443 HTTP/1.1\r\nHost: home.example:443\r\n\
             Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"
        );
        let interim = b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert!(connect(&proxy, interim).await.1.is_ok());
        let refused = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\nwho?";
        let (_, result) = connect(&proxy, refused).await;
        assert!(matches!(result, Err(TunnelError::Rejected(407))));
    }

    #[tokio::test]
    async fn answer_of_a_proxy_is_bounded() {
        let proxy = proxy("http://h:1");
        let endless_line = format!("HTTP/1.1 200 {}", "x".repeat(20_000));
        let fields = format!("HTTP/1.1 200 OK\r\n{}\r\n", "A: b\r\n".repeat(10_000));
        let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1_000);
        for answer in [
            &endless_line[..],
            &fields,
            &interim,
            "SSH-2.0",
            "HTTP/1.1 200 OK\r\n\r\nx",
        ] {
            let (mut client, mut server) = tokio::io::duplex(1 << 20);
            server.write_all(answer.as_bytes()).await.unwrap();
            let result = proxy.open_tunnel(&mut client, "h:1").await;
            assert!(
                matches!(result, Err(TunnelError::InvalidResponse)),
                "{result:?}"
            );
        }
    }
}
