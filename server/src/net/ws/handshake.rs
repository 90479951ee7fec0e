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

/// Whether a request asks for an upgrade to WebSocket, correctly or not.
pub(crate) fn is_upgrade<B>(request: &Request<B>) -> bool {
    // HTTP/1.0 has no upgrade, and HTTP/2 does it by another method (RFC 8441).
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && has_upgrade_headers(request.headers())
}

/// Checks the request and returns the value of `Sec-WebSocket-Accept`.
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
    let version = headers.get(header::SEC_WEBSOCKET_VERSION);
    if version.is_none_or(|version| version != "13") {
        return Err(InvalidUpgrade::WebSocketVersion);
    }
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .filter(|key| is_valid_key(key.as_bytes()))
        .ok_or(InvalidUpgrade::Key)?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| InvalidUpgrade::Key)
}

fn has_upgrade_headers(headers: &HeaderMap) -> bool {
    has_token(headers, header::CONNECTION, "upgrade")
        && has_token(headers, header::UPGRADE, "websocket")
}

fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    // A list may be spread over several fields, and its names ignore case (RFC 9110, 5.3, 7.8).
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|found| found.trim().eq_ignore_ascii_case(token))
}

fn is_valid_key(key: &[u8]) -> bool {
    // Sixteen bytes are 22 base64 characters and `==`.
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

    fn request() -> Request<()> {
        Request::get("/")
            .header(header::CONNECTION, "keep-alive, Upgrade")
            .header(header::UPGRADE, "WebSocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==")
            .body(())
            .unwrap()
    }

    #[test]
    fn example_of_the_rfc_is_accepted() {
        assert!(is_upgrade(&request()));
        let accept = accept_key(&request()).unwrap();
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn invalid_request_is_rejected_with_its_defect() {
        let error = |change: &dyn Fn(&mut Request<()>)| {
            let mut request = request();
            change(&mut request);
            accept_key(&request).unwrap_err()
        };
        let without =
            |name: header::HeaderName| error(&|request| drop(request.headers_mut().remove(&name)));
        let post = error(&|request| *request.method_mut() = Method::POST);
        assert_eq!(post, InvalidUpgrade::Method);
        let old = error(&|request| *request.version_mut() = Version::HTTP_10);
        assert_eq!(old, InvalidUpgrade::HttpVersion);
        let short = error(&|request| {
            let key = HeaderValue::from_static("c2hvcnQ=");
            request.headers_mut().insert(header::SEC_WEBSOCKET_KEY, key);
        });
        assert_eq!(short, InvalidUpgrade::Key);
        for (name, defect) in [
            (header::CONNECTION, InvalidUpgrade::Upgrade),
            (header::UPGRADE, InvalidUpgrade::Upgrade),
            (
                header::SEC_WEBSOCKET_VERSION,
                InvalidUpgrade::WebSocketVersion,
            ),
            (header::SEC_WEBSOCKET_KEY, InvalidUpgrade::Key),
        ] {
            assert_eq!(without(name), defect);
        }
    }
}
