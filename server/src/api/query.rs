//! The query of a URL.

use std::borrow::Cow;

use axum::http::Uri;
use percent_encoding::percent_decode_str;

/// Returns the value of a key, percent-decoded as a path is (RFC 3986, section 6.2.2.2). A
/// value that is not UTF-8 counts as absent. `+` is a plus sign: no name contains a space.
pub(crate) fn query_param<'u>(uri: &'u Uri, key: &str) -> Option<Cow<'u, str>> {
    let pairs = uri
        .query()?
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    let decode = |text: &'u str| percent_decode_str(text).decode_utf8().ok();
    pairs
        .filter(|(name, _)| decode(name).is_some_and(|name| name == key))
        .find_map(|(_, value)| decode(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_spellings_have_one_value() {
        for (query, expected) in [
            ("device=room-7", Some("room-7")),
            ("device=room%2D7", Some("room-7")),
            ("device=room%2d7", Some("room-7")),
            ("device=%64ev%2E%5F%3a", Some("dev._:")),
            ("%64evice=d", Some("d")),
            ("other=1&device=d", Some("d")),
            ("device=a%20b", Some("a b")),
            ("device=a+b", Some("a+b")),
            ("device=%C3%A9", Some("\u{e9}")),
            ("device=", Some("")),
            // Not an escape, so it stays as it is.
            ("device=%zz", Some("%zz")),
            ("device=%ff", None),
            ("device", None),
            ("Device=d", None),
        ] {
            let uri: Uri = format!("/ws?{query}").parse().unwrap();
            assert_eq!(query_param(&uri, "device").as_deref(), expected, "{query}");
        }
        assert_eq!(query_param(&Uri::from_static("/ws"), "device"), None);
    }
}
