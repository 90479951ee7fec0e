//! The fields by which HTTP proxies name the client of a request: `X-Forwarded-For`,
//! `X-Forwarded-Proto` and `Forwarded` (RFC 7239).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// One proxy's word about the connection that it got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ForwardedHop {
    /// The other end of that connection; `None` if the proxy hides it, or names no address.
    pub(super) client: Option<IpAddr>,
    /// Whether that connection was TLS, if the proxy says so.
    pub(super) is_tls: Option<bool>,
}

/// Returns the hops of `X-Forwarded-For`, the client first.
pub(super) fn x_forwarded_for(headers: &HeaderMap) -> Vec<ForwardedHop> {
    let values = headers.get_all(&X_FORWARDED_FOR).iter();
    let hop = |text: &str| ForwardedHop {
        client: parse_address(text.trim()),
        is_tls: None,
    };
    values
        .flat_map(|value| text_of(value).split(',').map(hop))
        .collect()
}

/// Returns whether the client's connection was TLS by `X-Forwarded-Proto`: by its last value,
/// which is that of the nearest proxy.
pub(super) fn x_forwarded_proto(headers: &HeaderMap) -> Option<bool> {
    let value = headers.get_all(&X_FORWARDED_PROTO).iter().next_back()?;
    parse_proto(text_of(value).rsplit(',').next()?.trim())
}

/// Returns the hops of `Forwarded`, the client first (RFC 7239, section 4).
pub(super) fn forwarded(headers: &HeaderMap) -> Vec<ForwardedHop> {
    let values = headers.get_all(header::FORWARDED).iter();
    values
        .flat_map(|value| split_unquoted(text_of(value), b',').map(parse_element))
        .collect()
}

/// Returns the text of a value. Other bytes than ASCII are in no address, so that such a value
/// is one hop without an address.
fn text_of(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// Parses `for=192.0.2.7;proto=https`. A parameter that is repeated is invalid, and the hop then
/// names no client.
fn parse_element(element: &str) -> ForwardedHop {
    let (mut client, mut is_tls) = (None, None);
    for pair in split_unquoted(element, b';') {
        let Some((name, value)) = pair.split_once('=') else {
            continue;
        };
        let value = unquote(value.trim());
        let (name, value) = (name.trim(), value.as_deref());
        if name.eq_ignore_ascii_case("for") {
            if client.is_some() {
                return ForwardedHop::default();
            }
            client = Some(value.and_then(parse_node));
        } else if name.eq_ignore_ascii_case("proto") {
            is_tls = value.and_then(parse_proto);
        }
    }
    ForwardedHop {
        client: client.flatten(),
        is_tls,
    }
}

/// Splits at a separator that is not within quotes.
fn split_unquoted(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |character: char| {
        let escaped = std::mem::take(&mut is_escaped);
        match character {
            _ if escaped => {}
            '"' => is_quoted = !is_quoted,
            '\\' => is_escaped = is_quoted,
            _ => return !is_quoted && character == char::from(separator),
        }
        false
    })
}

/// Returns the value of a token or of a quoted string (RFC 9110, section 5.6.4); `None` if its
/// quotes are not closed.
fn unquote(value: &str) -> Option<String> {
    let Some(quoted) = value.strip_prefix('"') else {
        return Some(value.to_owned());
    };
    let quoted = quoted.strip_suffix('"')?;
    let mut unquoted = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        unquoted.push(match character {
            '\\' => characters.next()?,
            '"' => return None,
            character => character,
        });
    }
    Some(unquoted)
}

/// Parses a node of RFC 7239, section 6: an address, with a port or without one. IPv6 has
/// brackets. `unknown` and hidden names are no address.
fn parse_node(node: &str) -> Option<IpAddr> {
    let (name, port) = match node.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']')?;
            let address: Ipv6Addr = name.parse().ok()?;
            return is_port(port).then_some(address.into());
        }
        None => node.split_at(node.find(':').unwrap_or(node.len())),
    };
    let address = name.parse().ok().filter(IpAddr::is_ipv4)?;
    is_port(port).then_some(address)
}

/// Whether the text is empty, or a colon and a port or a hidden port.
fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        Some(port) => port.starts_with('_') || port.parse::<u16>().is_ok(),
        None => text.is_empty(),
    }
}

/// Parses an address as proxies write it into `X-Forwarded-For`: plain, or with a port.
fn parse_address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    text.parse()
        .ok()
        .or_else(with_port)
        .or_else(|| parse_node(text))
}

fn parse_proto(text: &str) -> Option<bool> {
    let is = |proto: &str| text.eq_ignore_ascii_case(proto);
    match () {
        () if is("https") || is("wss") => Some(true),
        () if is("http") || is("ws") => Some(false),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    /// Returns the addresses as text, with `-` for a hop without one.
    fn clients(hops: &[ForwardedHop]) -> String {
        let client = |hop: &ForwardedHop| {
            let client = hop.client.map(|client| client.to_string());
            client.unwrap_or_else(|| "-".to_owned())
        };
        hops.iter().map(client).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn x_forwarded_for_is_a_list_of_addresses() {
        for (values, expected) in [
            (&["192.0.2.7"][..], "192.0.2.7"),
            (&["203.0.113.1, 192.0.2.7"], "203.0.113.1 192.0.2.7"),
            (&["203.0.113.1", "2001:db8::1"], "203.0.113.1 2001:db8::1"),
            (
                &["192.0.2.7:51256,[2001:db8::1]:80"],
                "192.0.2.7 2001:db8::1",
            ),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["192.0.2.7, unknown"], "192.0.2.7 -"),
            (&["192.0.2.7,,"], "192.0.2.7 - -"),
            (&["192.0.2.300"], "-"),
            (&[], ""),
        ] {
            let headers = headers("x-forwarded-for", values);
            assert_eq!(clients(&x_forwarded_for(&headers)), expected, "{values:?}");
        }
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_defines_it() {
        for (values, expected) in [
            (&["for=192.0.2.43"][..], "192.0.2.43"),
            (&["For=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17"),
            (&["for=192.0.2.60;proto=http;by=203.0.113.43"], "192.0.2.60"),
            (
                &["for=192.0.2.43, for=198.51.100.17"],
                "192.0.2.43 198.51.100.17",
            ),
            (
                &["for=192.0.2.43", "for=198.51.100.17"],
                "192.0.2.43 198.51.100.17",
            ),
            (&["for=\"192.0.2.43:47011\""], "192.0.2.43"),
            (&["for=\"192.0.2.43:_port\""], "192.0.2.43"),
            (&["for=\"1\\92.0.2.43\""], "192.0.2.43"),
            (&["host=\"a,b;for=1.1.1.1\";for=192.0.2.43"], "192.0.2.43"),
            (&["for=unknown"], "-"),
            (&["for=_hidden, for=192.0.2.43"], "- 192.0.2.43"),
            (&["for=2001:db8::1"], "-"),
            (&["for=\"192.0.2.43"], "-"),
            (&["for=192.0.2.43;for=192.0.2.44"], "-"),
            (&["proto=https"], "-"),
            (&[], ""),
        ] {
            let headers = headers("forwarded", values);
            assert_eq!(clients(&forwarded(&headers)), expected, "{values:?}");
        }
        let hops = forwarded(&headers(
            "forwarded",
            &["for=192.0.2.1;Proto=HTTPS, proto=http"],
        ));
        let is_tls: Vec<_> = hops.iter().map(|hop| hop.is_tls).collect();
        assert_eq!(is_tls, [Some(true), Some(false)]);
    }

    #[test]
    fn scheme_is_that_of_the_nearest_proxy() {
        for (values, expected) in [
            (&["https"][..], Some(true)),
            (&["HTTP"], Some(false)),
            (&["http, https"], Some(true)),
            (&["https", "http"], Some(false)),
            (&["gopher"], None),
            (&[], None),
        ] {
            let headers = headers("x-forwarded-proto", values);
            assert_eq!(x_forwarded_proto(&headers), expected, "{values:?}");
        }
    }
}
