//! The check of `Host` (RFC 9112, section 3.2), which hyper leaves to its user.

use axum::http::{HeaderValue, Request, Version, header};

/// Whether a request has one valid `Host`. HTTP/1.0 needs none. Two would let a proxy and this
/// server take the request for different hosts.
pub(super) fn has_valid_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => is_valid_host(host),
        (None, _) => request.version() != Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// Whether a value has only the characters of a host and a port (RFC 3986, section 3.2.2). It is
/// empty if the target has no host.
fn is_valid_host(host: &HeaderValue) -> bool {
    let is_allowed =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(byte);
    host.as_bytes().iter().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_needs_one_valid_host() {
        for (version, hosts, expected) in [
            (Version::HTTP_11, &["home.example"][..], true),
            (Version::HTTP_11, &["home.example:8080"], true),
            (Version::HTTP_11, &["[2001:db8::1]:8080"], true),
            (Version::HTTP_11, &[""], true),
            (Version::HTTP_11, &[], false),
            (Version::HTTP_11, &["a.example", "b.example"], false),
            (Version::HTTP_11, &["a.example", "a.example"], false),
            (Version::HTTP_11, &["a.example b.example"], false),
            (Version::HTTP_11, &["me@a.example"], false),
            (Version::HTTP_11, &["a.example/path"], false),
            (Version::HTTP_11, &["http://a.example"], false),
            (Version::HTTP_10, &[], true),
            (Version::HTTP_10, &["a.example"], true),
            (Version::HTTP_10, &["a.example", "b.example"], false),
        ] {
            let mut request = Request::new(());
            *request.version_mut() = version;
            for host in hosts {
                let host = HeaderValue::from_static(host);
                request.headers_mut().append(header::HOST, host);
            }
            assert_eq!(has_valid_host(&request), expected, "{version:?} {hosts:?}");
        }
    }
}
