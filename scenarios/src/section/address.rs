//! Addresses of systems under test, checked strictly: a slip here would cost a
//! run in which no socket opens.

use super::ValueDiagnostic;

/// What stands for the device's id.
pub(crate) const DEVICE_PLACEHOLDER: &str = "{device}";

/// What may follow host and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UrlTail {
    /// A path.
    Path,
    /// A path and a query.
    PathAndQuery,
}

/// `ws://host[:port][/path][?query]`, or `wss://`, with `{device}` at most once.
pub(crate) fn check_ws(text: &str) -> Result<(), ValueDiagnostic> {
    let rest = strip_scheme(text, "ws", "wss")?;
    check_after_scheme(rest, UrlTail::PathAndQuery)?;
    check_placeholders(text)
}

/// `http://host[:port][/path]`, or `https://`, with a query where `tail` allows one.
pub(crate) fn check_http(text: &str, tail: UrlTail) -> Result<(), ValueDiagnostic> {
    let rest = strip_scheme(text, "http", "https")?;
    check_after_scheme(rest, tail)?;
    match text.find(['{', '}']) {
        Some(_) => Err(ValueDiagnostic::new(
            "an address with braces; only commands and sockets name devices",
        )),
        None => Ok(()),
    }
}

/// A path below a base address, with `{device}` at most once.
pub(crate) fn check_path(text: &str) -> Result<(), ValueDiagnostic> {
    if !text.starts_with('/') {
        return Err(ValueDiagnostic::new("a path that does not begin with `/`"));
    }
    check_characters(text)?;
    check_placeholders(text)
}

fn strip_scheme<'t>(text: &'t str, plain: &str, secure: &str) -> Result<&'t str, ValueDiagnostic> {
    let Some((scheme, rest)) = text.split_once("://") else {
        let hint = format!("addresses begin with {plain}://");
        return Err(ValueDiagnostic::new("an address without a scheme").hint(hint));
    };
    if scheme == plain || scheme == secure {
        return Ok(rest);
    }
    let hint = format!("did you mean {plain}://?");
    Err(ValueDiagnostic::new(format!("unknown scheme `{}`", scheme.escape_debug())).hint(hint))
}

fn check_after_scheme(rest: &str, tail: UrlTail) -> Result<(), ValueDiagnostic> {
    check_characters(rest)?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    check_authority(authority)?;
    match tail {
        UrlTail::Path if after.contains('?') => {
            Err(ValueDiagnostic::new("a base address with a query"))
        }
        _ => Ok(()),
    }
}

fn check_authority(authority: &str) -> Result<(), ValueDiagnostic> {
    if authority.contains('@') {
        return Err(ValueDiagnostic::new("an address with a user's name in it"));
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => {
            let (host, rest) = v6
                .split_once(']')
                .ok_or_else(|| ValueDiagnostic::new("an unclosed `[`"))?;
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(ValueDiagnostic::new("not an IPv6 address in brackets"));
            }
            (host, rest)
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if host.is_empty() {
        return Err(ValueDiagnostic::new("an address without a host"));
    }
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    if !host.chars().all(in_name) {
        return Err(ValueDiagnostic::new(format!(
            "not a host's name: `{}`",
            host.escape_debug()
        )));
    }
    check_port(port)
}

fn check_port(port: &str) -> Result<(), ValueDiagnostic> {
    let valid = match port.strip_prefix(':') {
        Some(digits) => {
            digits.parse::<u16>().is_ok_and(|port| port > 0) && !digits.starts_with('+')
        }
        None => port.is_empty(),
    };
    if valid {
        Ok(())
    } else {
        Err(ValueDiagnostic::new("not a port from 1 to 65535"))
    }
}

fn check_characters(text: &str) -> Result<(), ValueDiagnostic> {
    if text.len() > 2_000 {
        return Err(ValueDiagnostic::new("an address that is too long"));
    }
    match text.chars().find(|c| {
        !c.is_ascii_graphic() || matches!(c, '#' | '"' | '<' | '>' | '\\' | '^' | '`' | '|')
    }) {
        Some(c) => Err(ValueDiagnostic::new(format!(
            "an address with `{}` in it",
            c.escape_debug()
        ))),
        None => Ok(()),
    }
}

fn check_placeholders(text: &str) -> Result<(), ValueDiagnostic> {
    let without = text.replacen(DEVICE_PLACEHOLDER, "", 1);
    match without.contains(['{', '}']) {
        true if without.contains(DEVICE_PLACEHOLDER) => {
            Err(ValueDiagnostic::new("`{device}` more than once"))
        }
        true => Err(ValueDiagnostic::new("an unknown placeholder").hint("only {device} is known")),
        false => Ok(()),
    }
}
