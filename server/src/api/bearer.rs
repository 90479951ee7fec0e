//! The token of a request.

use axum::http::{HeaderMap, header};

/// Returns the token in `Authorization: Bearer` (RFC 6750, section 2.1). A repeated field counts
/// as none, because it would be read differently here and by a proxy.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    // The scheme is case-insensitive (RFC 9110, section 11.1).
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn token_comes_only_from_bearer_scheme() {
        for (values, expected) in [
            (&["Bearer a.b.c"][..], Some("a.b.c")),
            (&["bearer  a.b.c"], Some("a.b.c")),
            (&["BEARER a.b.c"], Some("a.b.c")),
            (&["Basic YTpi"], None),
            (&["Bearer"], None),
            (&["Bearera.b.c"], None),
            (&[], None),
            (&["Bearer a.b.c", "Bearer d.e.f"], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            assert_eq!(bearer_token(&headers), expected, "{values:?}");
        }
    }
}
