//! `Max-Forwards` (RFC 9110, section 7.6.2): the proxies that an OPTIONS request may still pass.
//!
//! The field applies to TRACE too, which a gateway does not forward at all, and a recipient may
//! ignore it in other methods.

use axum::http::{HeaderMap, HeaderValue, Method, header};

/// The step of a request that `Max-Forwards` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MaxForwards {
    /// The request goes on; the field holds the rest.
    Forward,
    /// This gateway answers the request itself.
    Answer,
    /// The field is not one number.
    Invalid,
}

/// Returns the step of a request, and counts this gateway in its field.
pub(super) fn count_down(method: &Method, fields: &mut HeaderMap) -> MaxForwards {
    if *method != Method::OPTIONS {
        return MaxForwards::Forward;
    }
    let mut values = fields.get_all(header::MAX_FORWARDS).iter();
    let left = match (values.next(), values.next()) {
        (None, _) => return MaxForwards::Forward,
        (Some(value), None) => parse(value),
        (Some(_), Some(_)) => None,
    };
    match left {
        None => MaxForwards::Invalid,
        Some(0) => MaxForwards::Answer,
        Some(left) => {
            fields.insert(header::MAX_FORWARDS, HeaderValue::from(left - 1));
            MaxForwards::Forward
        }
    }
}

/// Parses digits. A number that is too large becomes the largest that is supported.
fn parse(value: &HeaderValue) -> Option<u32> {
    let digits = value.to_str().ok()?.trim();
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_request_passes_as_many_proxies_as_it_says() {
        use MaxForwards::{Answer, Forward, Invalid};
        for (method, values, expected, left) in [
            (Method::OPTIONS, &["10"][..], Forward, Some("9")),
            (Method::OPTIONS, &["1"], Forward, Some("0")),
            (Method::OPTIONS, &["007"], Forward, Some("6")),
            (
                Method::OPTIONS,
                &["99999999999"],
                Forward,
                Some("4294967294"),
            ),
            (Method::OPTIONS, &["0"], Answer, Some("0")),
            (Method::OPTIONS, &[], Forward, None),
            (Method::OPTIONS, &["-1"], Invalid, Some("-1")),
            (Method::OPTIONS, &["+1"], Invalid, Some("+1")),
            (Method::OPTIONS, &[""], Invalid, Some("")),
            (Method::OPTIONS, &["1", "1"], Invalid, Some("1")),
            (Method::GET, &["0"], Forward, Some("0")),
        ] {
            let mut fields = HeaderMap::new();
            for value in values {
                fields.append(header::MAX_FORWARDS, HeaderValue::from_static(value));
            }
            assert_eq!(count_down(&method, &mut fields), expected, "{values:?}");
            let after = fields.get(header::MAX_FORWARDS);
            assert_eq!(after.map(|value| value.to_str().unwrap()), left);
        }
    }
}
