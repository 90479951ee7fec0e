//! The server's half of the opening handshake (RFC 6455, section 4.2).

use axum::http::{HeaderMap, HeaderValue, Method, Request, Version, header};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The reason why a request is not a valid WebSocket upgrade. The client reads the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidUpgrade {
    #[error("an upgrade must be a GET request")]
    Method,
    #[error("an upgrade must be asked for in HTTP/1.1")]
    HttpVersion,
    #[error("the headers Connection: Upgrade and Upgrade: websocket are missing")]
    Upgrade,
    #[error("Sec-WebSocket-Version must be 13")]
    WebSocketVersion,
    #[error("Sec-WebSocket-Key must be 16 bytes in base64")]
    Key,
}

/// Whether a request asks for an upgrade to WebSocket, correctly or not. HTTP/1.0 has no
/// upgrade.
pub(crate) fn is_upgrade<B>(request: &Request<B>) -> bool {
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && has_upgrade_headers(request.headers())
}

/// Checks the request and answers the value of `Sec-WebSocket-Accept`.
pub(crate) fn accept_key<B>(request: &Request<B>) -> Result<HeaderValue, InvalidUpgrade> {
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(InvalidUpgrade::Method);
    }
    if request.version() != Version::HTTP_11 {
        return Err(InvalidUpgrade::HttpVersion);
    }
    if !has_upgrade_headers(headers) {
        return Err(InvalidUpgrade::Upgrade);
    }
    if headers
        .get(header::SEC_WEBSOCKET_VERSION)
        .is_none_or(|version| version != "13")
    {
        return Err(InvalidUpgrade::WebSocketVersion);
    }
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .ok_or(InvalidUpgrade::Key)?;
    if !is_valid_key(key.as_bytes()) {
        return Err(InvalidUpgrade::Key);
    }
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| InvalidUpgrade::Key)
}

fn has_upgrade_headers(headers: &HeaderMap) -> bool {
    has_token(headers, header::CONNECTION, "upgrade")
        && has_token(headers, header::UPGRADE, "websocket")
}

fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|found| found.trim().eq_ignore_ascii_case(token))
}

/// Sixteen bytes are 22 base64 characters and `==`.
fn is_valid_key(key: &[u8]) -> bool {
    key.strip_suffix(b"==").is_some_and(|digits| {
        digits.len() == 22
            && digits
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONNECTION,
            HeaderValue::from_static("keep-alive, Upgrade"),
        );
        headers.insert(header::UPGRADE, HeaderValue::from_static("WebSocket"));
        headers.insert(
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("13"),
        );
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        headers.insert(header::SEC_WEBSOCKET_KEY, key);
        headers
    }

    fn asked(
        method: Method,
        version: Version,
        headers: HeaderMap,
    ) -> Result<HeaderValue, InvalidUpgrade> {
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.version_mut() = version;
        *request.headers_mut() = headers;
        let accept = accept_key(&request);
        assert!(accept.is_err() || is_upgrade(&request));
        accept
    }

    fn get(headers: HeaderMap) -> Result<HeaderValue, InvalidUpgrade> {
        asked(Method::GET, Version::HTTP_11, headers)
    }

    #[test]
    fn the_example_of_the_rfc() {
        let accept = get(headers()).unwrap();
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_is_missing_is_named() {
        let without = |name: header::HeaderName| {
            let mut headers = headers();
            headers.remove(name);
            get(headers).unwrap_err()
        };
        assert_eq!(
            asked(Method::POST, Version::HTTP_11, headers()),
            Err(InvalidUpgrade::Method)
        );
        assert_eq!(
            asked(Method::GET, Version::HTTP_10, headers()),
            Err(InvalidUpgrade::HttpVersion)
        );
        assert_eq!(without(header::CONNECTION), InvalidUpgrade::Upgrade);
        assert_eq!(without(header::UPGRADE), InvalidUpgrade::Upgrade);
        assert_eq!(
            without(header::SEC_WEBSOCKET_VERSION),
            InvalidUpgrade::WebSocketVersion
        );
        assert_eq!(without(header::SEC_WEBSOCKET_KEY), InvalidUpgrade::Key);
        let mut short = headers();
        short.insert(
            header::SEC_WEBSOCKET_KEY,
            HeaderValue::from_static("c2hvcnQ="),
        );
        assert_eq!(get(short), Err(InvalidUpgrade::Key));
    }
}
