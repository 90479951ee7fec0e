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
    #[error("the header Sec-WebSocket-Version is missing")]
    MissingVersion,
    #[error("Sec-WebSocket-Version must be 13, once")]
    UnsupportedVersion,
    #[error("Sec-WebSocket-Key must be 16 bytes in base64, once")]
    Key,
}

/// The version of the protocol (RFC 6455, section 4.1).
pub(crate) const WEBSOCKET_VERSION: &str = "13";

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
    if !headers.contains_key(header::SEC_WEBSOCKET_VERSION) {
        return Err(InvalidUpgrade::MissingVersion);
    }
    // Neither the version nor the key may be repeated (RFC 6455, sections 11.3.1 and 11.3.5).
    let version = single(headers, header::SEC_WEBSOCKET_VERSION);
    if version.is_none_or(|version| version != WEBSOCKET_VERSION) {
        return Err(InvalidUpgrade::UnsupportedVersion);
    }
    let key = single(headers, header::SEC_WEBSOCKET_KEY)
        .filter(|key| is_valid_key(key.as_bytes()))
        .ok_or(InvalidUpgrade::Key)?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| InvalidUpgrade::Key)
}

/// Returns the subprotocols that the client offers, in its order (RFC 6455, section 11.3.4).
pub(crate) fn offered_subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    list_members(headers, header::SEC_WEBSOCKET_PROTOCOL)
}

/// Whether the headers ask for an upgrade to WebSocket.
pub(crate) fn has_upgrade_headers(headers: &HeaderMap) -> bool {
    has_token(headers, header::CONNECTION, "upgrade")
        && has_token(headers, header::UPGRADE, "websocket")
}

fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    // The names ignore case (RFC 9110, section 7.8).
    list_members(headers, name).any(|found| found.eq_ignore_ascii_case(token))
}

/// Returns the members of a list, which may be spread over several fields (RFC 9110, 5.3) and
/// may have empty members (5.6.1.2).
fn list_members(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|member| !member.is_empty())
}

/// Returns the value of a field that is there exactly once.
fn single(headers: &HeaderMap, name: header::HeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).into_iter();
    values.next().filter(|_| values.next().is_none())
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
        for (name, defect) in [
            (header::CONNECTION, InvalidUpgrade::Upgrade),
            (header::UPGRADE, InvalidUpgrade::Upgrade),
            (
                header::SEC_WEBSOCKET_VERSION,
                InvalidUpgrade::MissingVersion,
            ),
            (header::SEC_WEBSOCKET_KEY, InvalidUpgrade::Key),
        ] {
            assert_eq!(without(name), defect);
        }
    }

    /// Returns the result of the request with these values of one field.
    fn with(name: header::HeaderName, values: &[&'static str]) -> Result<(), InvalidUpgrade> {
        let mut request = request();
        request.headers_mut().remove(&name);
        for value in values {
            let value = HeaderValue::from_static(value);
            request.headers_mut().append(&name, value);
        }
        accept_key(&request).map(drop)
    }

    #[test]
    fn fields_of_the_handshake_are_read_as_rfc_6455_defines_them() {
        use InvalidUpgrade::{Key, UnsupportedVersion, Upgrade};
        const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
        let cases: [(
            header::HeaderName,
            &[&'static str],
            Result<(), InvalidUpgrade>,
        ); 19] = [
            (header::CONNECTION, &["upgrade"], Ok(())),
            (header::CONNECTION, &["keep-alive", "UPGRADE"], Ok(())),
            (header::CONNECTION, &["keep-alive ,\tUpgrade, "], Ok(())),
            (header::CONNECTION, &["upgrades"], Err(Upgrade)),
            (header::CONNECTION, &["keep-alive"], Err(Upgrade)),
            (header::UPGRADE, &["h2c, websocket"], Ok(())),
            (header::UPGRADE, &["h2c", "WebSocket"], Ok(())),
            (header::UPGRADE, &["websocket2"], Err(Upgrade)),
            (header::SEC_WEBSOCKET_VERSION, &["13"], Ok(())),
            (
                header::SEC_WEBSOCKET_VERSION,
                &["8"],
                Err(UnsupportedVersion),
            ),
            (
                header::SEC_WEBSOCKET_VERSION,
                &["013"],
                Err(UnsupportedVersion),
            ),
            (
                header::SEC_WEBSOCKET_VERSION,
                &["8, 13"],
                Err(UnsupportedVersion),
            ),
            (
                header::SEC_WEBSOCKET_VERSION,
                &["13", "13"],
                Err(UnsupportedVersion),
            ),
            (header::SEC_WEBSOCKET_KEY, &[KEY], Ok(())),
            (header::SEC_WEBSOCKET_KEY, &[KEY, KEY], Err(Key)),
            // 15 and 17 bytes.
            (
                header::SEC_WEBSOCKET_KEY,
                &["dGhlIHNhbXBsZSBub25j"],
                Err(Key),
            ),
            (
                header::SEC_WEBSOCKET_KEY,
                &["dGhlIHNhbXBsZSBub25jZWU="],
                Err(Key),
            ),
            // Without padding, and with the alphabet of URLs.
            (
                header::SEC_WEBSOCKET_KEY,
                &["dGhlIHNhbXBsZSBub25jZQ"],
                Err(Key),
            ),
            (
                header::SEC_WEBSOCKET_KEY,
                &["dGhlIHNhbXBsZS_ub25jZQ=="],
                Err(Key),
            ),
        ];
        for (name, values, expected) in cases {
            assert_eq!(with(name.clone(), values), expected, "{name}: {values:?}");
        }
    }

    #[test]
    fn subprotocols_are_a_list_over_several_fields() {
        let mut headers = HeaderMap::new();
        for value in ["highwater , bearer.a.b.c", "", "chat"] {
            let value = HeaderValue::from_static(value);
            headers.append(header::SEC_WEBSOCKET_PROTOCOL, value);
        }
        let offered: Vec<&str> = offered_subprotocols(&headers).collect();
        assert_eq!(offered, ["highwater", "bearer.a.b.c", "chat"]);
    }
}
