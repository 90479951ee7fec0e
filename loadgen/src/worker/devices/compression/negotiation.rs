//! The negotiation of `permessage-deflate` (RFC 7692, section 7.1).

use std::ops::RangeInclusive;

use highwater_scenarios::plan::Compression;

/// The name of the extension.
const EXTENSION: &str = "permessage-deflate";

/// The logarithm of a window's size (RFC 7692, section 7.1.2).
const WINDOW_BITS: RangeInclusive<u8> = 8..=15;

/// The parameters of a socket whose server may compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeflateParams {
    /// Whether a message may refer to bytes of the messages before it. The device then keeps
    /// a window as long as the socket is open.
    pub(crate) has_context_takeover: bool,
}

/// The server answered with extensions that are invalid or were not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvalidExtensions;

/// Returns the value of `Sec-WebSocket-Extensions` in an upgrade request; `None` if the
/// device offers no extension.
pub(crate) fn offer(compression: Compression) -> Option<&'static str> {
    match compression {
        Compression::None => None,
        Compression::PermessageDeflate => Some(
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             client_max_window_bits",
        ),
        // The offer of browsers.
        Compression::PermessageDeflateContext => Some("permessage-deflate; client_max_window_bits"),
    }
}

/// Checks the values of `Sec-WebSocket-Extensions` in the answer to an upgrade request.
/// Returns `None` if the server declines compression.
///
/// RFC 6455, section 4.1, and RFC 7692, sections 5.1 and 7.1: an extension that was not
/// offered, an unknown parameter, a repeated one and an invalid value each fail the
/// connection.
pub(crate) fn accept_extensions<'a>(
    values: impl Iterator<Item = &'a [u8]>,
    offered: Compression,
) -> Result<Option<DeflateParams>, InvalidExtensions> {
    let mut accepted = None;
    for value in values {
        let value = std::str::from_utf8(value).map_err(|_| InvalidExtensions)?;
        // A list may have empty elements (RFC 9110, section 5.6.1.2). No valid parameter has
        // a comma or a semicolon in its value.
        let elements = value.split(',').map(str::trim);
        for element in elements.filter(|element| !element.is_empty()) {
            if accepted.is_some() || offered == Compression::None {
                return Err(InvalidExtensions);
            }
            accepted = Some(parse_extension(element)?);
        }
    }
    Ok(accepted)
}

fn parse_extension(element: &str) -> Result<DeflateParams, InvalidExtensions> {
    let mut parts = element.split(';').map(str::trim);
    if parts.next() != Some(EXTENSION) {
        return Err(InvalidExtensions);
    }
    let mut params = DeflateParams {
        has_context_takeover: true,
    };
    let mut known = Vec::new();
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(value.trim_start())),
            None => (part, None),
        };
        if known.contains(&name) {
            return Err(InvalidExtensions);
        }
        known.push(name);
        match (name, value) {
            ("server_no_context_takeover", None) => params.has_context_takeover = false,
            // The device compresses nothing, so that its own window does not matter.
            ("client_no_context_takeover", None) => {}
            // The largest window is always kept, which holds any smaller one.
            ("client_max_window_bits" | "server_max_window_bits", Some(bits))
                if is_window_bits(bits) => {}
            _ => return Err(InvalidExtensions),
        }
    }
    Ok(params)
}

/// Whether a value is a number of window bits without leading zeros. A token may stand in
/// quotes (RFC 6455, section 9.1).
fn is_window_bits(value: &str) -> bool {
    let quoted = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
    let digits = quoted.unwrap_or(value);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    is_number && digits.parse().is_ok_and(|bits| WINDOW_BITS.contains(&bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(
        values: &[&str],
        offered: Compression,
    ) -> Result<Option<DeflateParams>, InvalidExtensions> {
        accept_extensions(values.iter().map(|value| value.as_bytes()), offered)
    }

    #[test]
    fn valid_answers_say_whether_context_is_kept() {
        for (values, expected) in [
            (&[][..], None),
            (&[""], None),
            (&["permessage-deflate"], Some(true)),
            (
                &["permessage-deflate; server_no_context_takeover"],
                Some(false),
            ),
            (
                &["permessage-deflate;server_no_context_takeover;client_no_context_takeover"],
                Some(false),
            ),
            (
                &["permessage-deflate; client_max_window_bits=15; server_max_window_bits = \"8\""],
                Some(true),
            ),
            (
                &["", " , permessage-deflate ; server_max_window_bits=10 ,"],
                Some(true),
            ),
        ] {
            for offered in [
                Compression::PermessageDeflate,
                Compression::PermessageDeflateContext,
            ] {
                let params = accept(values, offered).unwrap();
                let keeps = params.map(|params| params.has_context_takeover);
                assert_eq!(keeps, expected, "{values:?}");
            }
        }
    }

    #[test]
    fn invalid_and_unsolicited_answers_are_rejected() {
        for values in [
            &["x-webkit-deflate-frame"][..],
            &["permessage-bzip2"],
            &["permessage-deflate, permessage-deflate"],
            &["permessage-deflate", "permessage-deflate"],
            &["permessage-deflate;"],
            &["permessage-deflate; unknown"],
            &["permessage-deflate; server_no_context_takeover=1"],
            &["permessage-deflate; server_no_context_takeover; server_no_context_takeover"],
            &["permessage-deflate; server_max_window_bits"],
            &["permessage-deflate; client_max_window_bits"],
            &["permessage-deflate; server_max_window_bits="],
            &["permessage-deflate; server_max_window_bits=7"],
            &["permessage-deflate; server_max_window_bits=16"],
            &["permessage-deflate; server_max_window_bits=010"],
            &["permessage-deflate; server_max_window_bits=+9"],
            &["permessage-deflate; server_max_window_bits=\"9"],
            &["permessage-deflate; server_max_window_bits=9; server_max_window_bits=9"],
            &["permessage-deflate; a=\"x, y\""],
        ] {
            let answer = accept(values, Compression::PermessageDeflate);
            assert_eq!(answer, Err(InvalidExtensions), "{values:?}");
        }
        let unsolicited = accept(&["permessage-deflate"], Compression::None);
        assert_eq!(unsolicited, Err(InvalidExtensions));
        assert_eq!(accept(&[""], Compression::None), Ok(None));
    }

    #[test]
    fn offer_of_a_device_is_one_that_its_own_check_knows() {
        assert_eq!(offer(Compression::None), None);
        for compression in [
            Compression::PermessageDeflate,
            Compression::PermessageDeflateContext,
        ] {
            let offer = offer(compression).unwrap();
            // A server gives the client's window bits a value.
            let answer = offer.replace("client_max_window_bits", "client_max_window_bits=15");
            let params = accept(&[&answer], compression).unwrap().unwrap();
            let keeps = compression == Compression::PermessageDeflateContext;
            assert_eq!(params.has_context_takeover, keeps);
        }
    }
}
