//! Addresses of systems under test. The checks are strict, because a slip here would cost a
//! run in which no socket opens.

use super::{FixedForm, placeholders::with_samples, text::checked_text};
use crate::{
    diagnostic::Diagnostic,
    tree::{TomlItem, TomlValue},
};

/// The placeholder for the device's id.
pub(crate) const DEVICE_PLACEHOLDER: &str = "{device}";

/// Most endpoints of one name. Each is read once a second.
const MAX_ENDPOINTS: usize = 64;

/// The part of an address that may follow host and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UrlTail {
    Path,
    PathAndQuery,
}

/// Accepts WebSocket addresses.
pub(crate) const fn ws_addresses() -> FixedForm<Vec<String>> {
    FixedForm {
        expected: || {
            "an address such as \"ws://host:8080/ws?device={device}\", or a list of them".to_owned()
        },
        read: |item| read_addresses(item, check_ws),
    }
}

/// Accepts base addresses of HTTP.
pub(crate) const fn http_addresses() -> FixedForm<Vec<String>> {
    FixedForm {
        expected: || "an address such as \"http://host:8080\", or a list of them".to_owned(),
        read: |item| read_addresses(item, |text| check_http(&with_samples(text)?, UrlTail::Path)),
    }
}

/// Accepts an address of HTTP with a path.
pub(crate) const fn http_address() -> FixedForm<String> {
    FixedForm {
        expected: || "an address such as \"http://host:9090/metrics\"".to_owned(),
        read: |item| checked_text(item, |text| check_http(text, UrlTail::PathAndQuery)),
    }
}

/// Accepts addresses of metrics endpoints.
pub(crate) const fn metrics_addresses() -> FixedForm<Vec<String>> {
    FixedForm {
        expected: || {
            format!(
                "an address such as \"http://host:9090/metrics\", or a list of up to \
                 {MAX_ENDPOINTS}"
            )
        },
        read: |item| match &item.value {
            TomlValue::List(items) if items.len() > MAX_ENDPOINTS => {
                Err(Diagnostic::new("too many addresses"))
            }
            _ => read_addresses(item, |text| check_http(text, UrlTail::PathAndQuery)),
        },
    }
}

/// Accepts the path of a command below a base address.
pub(crate) const fn command_path() -> FixedForm<String> {
    FixedForm {
        expected: || {
            "a path that begins with `/`, such as \"/devices/{device}/commands\"".to_owned()
        },
        read: |item| checked_text(item, check_path),
    }
}

/// Accepts the name of a host, which is not an IP address.
pub(crate) const fn server_name() -> FixedForm<String> {
    FixedForm {
        expected: || "a host's name such as \"home.example\"".to_owned(),
        read: |item| checked_text(item, check_server_name),
    }
}

/// Reads an address or a list of them, never an empty one.
fn read_addresses(
    item: &TomlItem,
    check: impl Fn(&str) -> Result<(), Diagnostic>,
) -> Result<Vec<String>, Diagnostic> {
    match &item.value {
        // An empty list would leave nothing to connect to.
        TomlValue::List(items) if items.is_empty() => Err(Diagnostic::new("an empty list")),
        TomlValue::List(items) => items
            .iter()
            .map(|item| checked_text(item, &check))
            .collect(),
        _ => Ok(vec![checked_text(item, check)?]),
    }
}

/// Checks `ws://host[:port][/path][?query]`, or `wss://`, with placeholders.
fn check_ws(text: &str) -> Result<(), Diagnostic> {
    let text = with_samples(text)?;
    let rest = strip_scheme(&text, "ws", "wss")?;
    check_after_scheme(rest, UrlTail::PathAndQuery)
}

/// Checks the address of a request: as [`check_http`] does, with placeholders.
pub(super) fn check_request_url(text: &str) -> Result<(), Diagnostic> {
    check_http(&with_samples(text)?, UrlTail::PathAndQuery)
}

/// Checks `http://host[:port][/path]`, or `https://`, with a query where `tail` allows one.
fn check_http(text: &str, tail: UrlTail) -> Result<(), Diagnostic> {
    let rest = strip_scheme(text, "http", "https")?;
    check_after_scheme(rest, tail)?;
    match text.find(['{', '}']) {
        Some(_) => Err(Diagnostic::new("an address with braces")),
        None => Ok(()),
    }
}

/// Checks a path below a base address.
fn check_path(text: &str) -> Result<(), Diagnostic> {
    if !text.starts_with('/') {
        return Err(Diagnostic::new("a path that does not begin with `/`"));
    }
    check_characters(text)?;
    with_samples(text).map(drop)
}

pub(super) fn strip_scheme<'t>(
    text: &'t str,
    plain: &str,
    secure: &str,
) -> Result<&'t str, Diagnostic> {
    let Some((scheme, rest)) = text.split_once("://") else {
        let hint = format!("addresses begin with {plain}://");
        return Err(Diagnostic::new("an address without a scheme").hint(hint));
    };
    if scheme == plain || scheme == secure {
        return Ok(rest);
    }
    let hint = format!("did you mean {plain}://?");
    Err(Diagnostic::new(format!("unknown scheme `{}`", scheme.escape_debug())).hint(hint))
}

fn check_after_scheme(rest: &str, tail: UrlTail) -> Result<(), Diagnostic> {
    check_characters(rest)?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    check_authority(authority)?;
    match tail {
        UrlTail::Path if after.contains('?') => Err(Diagnostic::new("a base address with a query")),
        _ => Ok(()),
    }
}

pub(super) fn check_authority(authority: &str) -> Result<(), Diagnostic> {
    // Credentials belong into `headers`, whose values may come from the environment and
    // stay out of the record.
    if authority.contains('@') {
        return Err(Diagnostic::new("an address with a user's name in it"));
    }
    // RFC 3986, section 3.2.2: an IPv6 address stands in brackets, because it has colons.
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => {
            let (host, rest) = v6
                .split_once(']')
                .ok_or_else(|| Diagnostic::new("an unclosed `[`"))?;
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(Diagnostic::new("not an IPv6 address in brackets"));
            }
            (host, rest)
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if host.is_empty() {
        return Err(Diagnostic::new("an address without a host"));
    }
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    if !host.chars().all(in_name) {
        return Err(Diagnostic::new(format!(
            "not a host's name: `{}`",
            host.escape_debug()
        )));
    }
    check_port(port)
}

/// Checks a name for SNI (RFC 6066, section 3): a DNS name without a port.
fn check_server_name(text: &str) -> Result<(), Diagnostic> {
    let is_label = |label: &str| {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        (1..=63).contains(&label.len()) && label.chars().all(is_allowed)
    };
    if text.len() > 253 || !text.split('.').all(is_label) {
        return Err(Diagnostic::new("not a host's name"));
    }
    match text.parse::<std::net::Ipv4Addr>() {
        Ok(_) => Err(Diagnostic::new("an IP address in place of a name")),
        Err(_) => Ok(()),
    }
}

fn check_port(port: &str) -> Result<(), Diagnostic> {
    let valid = match port.strip_prefix(':') {
        Some(digits) => {
            // Port 0 would let the kernel choose, and `parse` accepts a sign.
            digits.parse::<u16>().is_ok_and(|port| port > 0) && !digits.starts_with('+')
        }
        None => port.is_empty(),
    };
    if valid {
        Ok(())
    } else {
        Err(Diagnostic::new("not a port from 1 to 65535"))
    }
}

pub(super) fn check_characters(text: &str) -> Result<(), Diagnostic> {
    // Servers accept requests of some kilobytes; a head of the reference server has 16 KiB.
    if text.len() > 2_000 {
        return Err(Diagnostic::new("an address that is too long"));
    }
    match text.chars().find(|c| {
        // The characters that RFC 3986 allows nowhere, and the fragment, which no client
        // sends. Braces are placeholders, checked apart.
        !c.is_ascii_graphic() || matches!(c, '#' | '"' | '<' | '>' | '\\' | '^' | '`' | '|')
    }) {
        Some(c) => Err(Diagnostic::new(format!(
            "an address with `{}` in it",
            c.escape_debug()
        ))),
        None => Ok(()),
    }
}
