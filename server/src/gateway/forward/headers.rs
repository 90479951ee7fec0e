//! The header fields of a proxy (RFC 9110, section 7.6).

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use crate::net::listener::{Client, X_FORWARDED_FOR, X_FORWARDED_PROTO};

/// Fields of one connection, which must not be forwarded (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Removes the fields of the connection, and those that its `Connection` field names.
pub(super) fn strip_hop_by_hop(fields: &mut HeaderMap) {
    let named: Vec<HeaderName> = fields
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        fields.remove(name);
    }
}

/// Prepares a request's fields for a node: removes those of the connection, and replaces those
/// about the client.
pub(super) fn rewrite_headers(fields: &mut HeaderMap, uri: &Uri, client: Option<Client>) {
    strip_hop_by_hop(fields);
    if let Some(host) = uri_host(uri) {
        fields.insert(header::HOST, host);
    }
    // hyper has answered 100 Continue itself when the body was first read.
    fields.remove(header::EXPECT);
    // Set again by the length of the body: two different lengths would allow request smuggling
    // (RFC 9112, section 11.2).
    fields.remove(header::CONTENT_LENGTH);
    // Replaced, not appended to: a client must not choose what nodes see here. What trusted
    // proxies said of the client is in `client` already.
    fields.remove(header::FORWARDED);
    fields.remove(X_FORWARDED_FOR);
    fields.remove(X_FORWARDED_PROTO);
    if let Some(host) = fields.get(header::HOST).cloned() {
        fields.insert(X_FORWARDED_HOST, host);
    }
    // HTTP/1.0 needs none, and the request goes on as HTTP/1.1 (RFC 9112, section 3.2).
    fields
        .entry(header::HOST)
        .or_insert(HeaderValue::from_static(""));
    let Some(client) = client else {
        return;
    };
    let proto = if client.is_tls { "https" } else { "http" };
    fields.insert(X_FORWARDED_PROTO, HeaderValue::from_static(proto));
    // Never fails: an address has only digits, letters, dots and colons.
    if let Ok(address) = HeaderValue::from_str(&client.address.to_string()) {
        fields.insert(X_FORWARDED_FOR, address);
    }
}

/// Returns the host of an absolute URI, which replaces the field (RFC 9112, section 3.2.2).
fn uri_host(uri: &Uri) -> Option<HeaderValue> {
    let authority = uri.authority()?.as_str();
    // Without user and password, which are not part of the field (RFC 9110, section 7.2).
    let host = authority.rsplit('@').next()?;
    HeaderValue::from_str(host).ok()
}

/// Returns path and query of a URI in any form.
pub(super) fn origin_form(uri: &Uri) -> Uri {
    let root = || Uri::from_static("/");
    match uri.path_and_query() {
        // An absolute URI may have no path: as text, it is that of the root.
        Some(path) if uri.scheme().is_some() => path.as_str().parse().unwrap_or_else(|_| root()),
        Some(path) => Uri::from(path.clone()),
        None => root(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Lines<'l> = &'l [(&'static str, &'static str)];

    fn rewritten(uri: &'static str, lines: Lines<'_>, is_tls: bool) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for &(name, value) in lines {
            fields.append(name, HeaderValue::from_static(value));
        }
        let address = "192.0.2.7".parse().unwrap();
        let client = Some(Client { address, is_tls });
        rewrite_headers(&mut fields, &Uri::from_static(uri), client);
        fields
    }

    #[test]
    fn fields_of_the_connection_are_removed() {
        let lines: Lines = &[
            ("connection", "close, X-Secret"),
            ("connection", "x-other"),
            ("x-secret", "1"),
            ("x-other", "2"),
            ("keep-alive", "timeout=5"),
            ("upgrade", "h2c"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("content-length", "3"),
            ("accept", "text/event-stream"),
        ];
        let fields = rewritten("/path", lines, false);
        let mut left: Vec<&str> = fields.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        let expected = ["accept", "host", "x-forwarded-for", "x-forwarded-proto"];
        assert_eq!(left, expected);
        assert_eq!(fields["host"], "", "HTTP/1.1 needs a host");
    }

    #[test]
    fn client_is_named_to_the_node() {
        let fields = rewritten("/path", &[("host", "home.example")], true);
        assert_eq!(fields["x-forwarded-for"], "192.0.2.7");
        assert_eq!(fields["x-forwarded-proto"], "https");
        assert_eq!(fields["x-forwarded-host"], "home.example");
        assert_eq!(fields["host"], "home.example");
    }

    #[test]
    fn claims_about_the_client_are_replaced() {
        let lines: Lines = &[
            ("x-forwarded-for", "203.0.113.1, 198.51.100.2"),
            ("x-forwarded-for", "198.51.100.3"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example"),
            ("forwarded", "for=203.0.113.1;proto=https"),
            ("host", "home.example"),
        ];
        let fields = rewritten("/path", lines, false);
        let values: Vec<_> = fields.get_all("x-forwarded-for").iter().collect();
        assert_eq!(values, ["192.0.2.7"]);
        assert_eq!(fields["x-forwarded-proto"], "http");
        assert_eq!(fields["x-forwarded-host"], "home.example");
        assert_eq!(fields.get("forwarded"), None);
    }

    #[test]
    fn absolute_uri_replaces_the_host() {
        let lines = [("host", "evil.example")];
        let fields = rewritten("http://me:pass@home.example:8080/a", &lines, false);
        assert_eq!(fields["host"], "home.example:8080");
        assert_eq!(fields["x-forwarded-host"], "home.example:8080");
    }

    #[test]
    fn only_path_and_query_are_forwarded() {
        for (given, expected) in [
            ("/ws?device=d", "/ws?device=d"),
            ("http://other.example/a?b=c", "/a?b=c"),
            ("http://other.example", "/"),
            ("*", "*"),
        ] {
            let uri: Uri = given.parse().unwrap();
            assert_eq!(origin_form(&uri).to_string(), expected);
        }
    }
}
