//! Header fields on their way through (RFC 9110, section 7.6).

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

/// Fields of one connection, which say nothing on the next.
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

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The origin of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientInfo {
    /// The client's address, where known.
    pub(super) address: Option<IpAddr>,
    /// Whether it came over TLS.
    pub(super) is_tls: bool,
}

/// Takes off what is the connection's, with what its `Connection` field names.
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

/// Makes a request's fields ready for a node: without the connection's own, and
/// with whom it comes from.
pub(super) fn rewrite_headers(fields: &mut HeaderMap, uri: &Uri, client: ClientInfo) {
    strip_hop_by_hop(fields);
    if let Some(host) = uri_host(uri) {
        fields.insert(header::HOST, host);
    }
    // Answered here already, when the body was first asked for.
    fields.remove(header::EXPECT);
    // Told anew by what the body turns out to be: two words on its length are how
    // one request is made to look like two.
    fields.remove(header::CONTENT_LENGTH);
    if let Some(host) = fields.get(header::HOST).cloned() {
        fields.insert(FORWARDED_HOST, host);
    }
    let proto = if client.is_tls { "https" } else { "http" };
    fields.insert(FORWARDED_PROTO, HeaderValue::from_static(proto));
    if let Some(client) = client.address {
        append_forwarded_for(fields, client);
    }
}

/// Appends the client's address. Addresses from earlier proxies stay first; a reader has to
/// know
/// how many of the last ones to trust.
fn append_forwarded_for(fields: &mut HeaderMap, client: IpAddr) {
    let before = fields.get_all(FORWARDED_FOR).iter();
    let mut all: Vec<&[u8]> = before.map(HeaderValue::as_bytes).collect();
    let client = client.to_string();
    all.push(client.as_bytes());
    if let Ok(value) = HeaderValue::from_bytes(&all.join(&b", "[..])) {
        fields.insert(FORWARDED_FOR, value);
    }
}

/// The host that an absolute URI names: it counts, whatever the field says (RFC 9112,
/// section 3.2.2).
fn uri_host(uri: &Uri) -> Option<HeaderValue> {
    let authority = uri.authority()?.as_str();
    let host = authority.rsplit('@').next()?;
    HeaderValue::from_str(host).ok()
}

/// Path and query, whatever form the client gave.
pub(super) fn origin_form(uri: &Uri) -> Uri {
    let root = || Uri::from_static("/");
    match uri.path_and_query() {
        // An absolute URI may be without a path; its text then is that of the root.
        Some(path) if uri.scheme().is_some() => path.as_str().parse().unwrap_or_else(|_| root()),
        Some(path) => Uri::from(path.clone()),
        None => root(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for &(name, value) in lines {
            fields.append(name, HeaderValue::from_static(value));
        }
        fields
    }

    fn prepared(lines: &[(&'static str, &'static str)], secure: bool) -> HeaderMap {
        prepared_for("/path", lines, secure)
    }

    fn prepared_for(
        uri: &'static str,
        lines: &[(&'static str, &'static str)],
        secure: bool,
    ) -> HeaderMap {
        let mut fields = fields(lines);
        let client = "192.0.2.7".parse().ok();
        rewrite_headers(
            &mut fields,
            &Uri::from_static(uri),
            ClientInfo {
                address: client,
                is_tls: secure,
            },
        );
        fields
    }

    #[test]
    fn what_is_of_the_connection_does_not_go_along() {
        let fields = prepared(
            &[
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
            ],
            false,
        );
        let mut left: Vec<&str> = fields.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "x-forwarded-for", "x-forwarded-proto"]);
    }

    #[test]
    fn a_node_is_told_whom_a_request_comes_from() {
        let fields = prepared(&[("host", "home.example")], true);
        assert_eq!(fields["x-forwarded-for"], "192.0.2.7");
        assert_eq!(fields["x-forwarded-proto"], "https");
        assert_eq!(fields["x-forwarded-host"], "home.example");
        assert_eq!(fields["host"], "home.example");
    }

    #[test]
    fn who_was_named_before_stays_named_and_nothing_else_is_believed() {
        let fields = prepared(
            &[
                ("x-forwarded-for", "203.0.113.1, 198.51.100.2"),
                ("x-forwarded-for", "198.51.100.3"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "evil.example"),
                ("host", "home.example"),
            ],
            false,
        );
        assert_eq!(
            fields["x-forwarded-for"],
            "203.0.113.1, 198.51.100.2, 198.51.100.3, 192.0.2.7"
        );
        assert_eq!(fields.get_all("x-forwarded-for").iter().count(), 1);
        assert_eq!(fields["x-forwarded-proto"], "http");
        assert_eq!(fields["x-forwarded-host"], "home.example");
    }

    #[test]
    fn an_absolute_uri_names_the_host() {
        let lines = [("host", "evil.example")];
        let fields = prepared_for("http://me:pass@home.example:8080/a", &lines, false);
        assert_eq!(fields["host"], "home.example:8080");
        assert_eq!(fields["x-forwarded-host"], "home.example:8080");
    }

    #[test]
    fn only_path_and_query_go_along() {
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
