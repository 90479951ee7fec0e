//! Pages of other sites. A browser names a page's origin in `Origin` (RFC 6454, section 7); a
//! page can change neither that field nor `Host`.
//!
//! A browser lets a page of any site open a WebSocket and send a form, so the server has to
//! check the origin. It lets a page read an answer, or send JSON, only if the server allows the
//! page's origin (CORS, the Fetch standard, section 3.3).

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::ApiError;

/// The methods that a page of an allowed origin may use.
const ALLOWED_METHODS: &str = "GET, POST, PUT";
/// The request headers that such a page may set.
const ALLOWED_HEADERS: &str = "Accept, Authorization, Content-Type, X-Highwater-Timeout-Ms";
/// The response headers that such a page may read.
const EXPOSED_HEADERS: &str =
    "Retry-After, WWW-Authenticate, X-Highwater-Gateway, X-Highwater-Node, X-Highwater-Owner";
/// The seconds for which a browser may keep the answer to a preflight.
const PREFLIGHT_MAX_AGE_S: &str = "600";

/// An origin whose pages may use the server, such as `https://app.example`; `*` is any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// The error of a text that is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid origin {0:?}: expected SCHEME://HOST[:PORT] without a path, or *")]
pub struct InvalidOrigin(String);

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let is_host = |host: &str| {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
        };
        let is_scheme = |scheme: &str| {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        };
        let valid = text == "*"
            || text
                .split_once("://")
                .is_some_and(|(scheme, host)| is_scheme(scheme) && is_host(host));
        match valid {
            true => Ok(Self(normalize(text).into_owned())),
            false => Err(InvalidOrigin(text.to_owned())),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The origins whose pages may use the server, besides those of the server's own host.
#[derive(Debug, Clone, Default)]
pub(crate) struct AllowedOrigins(Arc<[Origin]>);

impl AllowedOrigins {
    pub(crate) fn new(origins: Vec<Origin>) -> Self {
        Self(origins.into())
    }

    /// Whether no page of another site is allowed. Then no answer depends on the origin.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks the origin of the page that sends a request.
    ///
    /// # Errors
    /// 403 for the page of another site.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let allowed = match (origins.next(), origins.next()) {
            // Not a page.
            (None, _) => true,
            (Some(origin), None) => is_same_host(origin, headers) || self.contains(origin),
            (Some(_), Some(_)) => false,
        };
        match allowed {
            true => Ok(()),
            false => Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "pages of this origin may not use this server",
                "start it with --allowed-origins, or let the proxy in front of it keep Host",
            )),
        }
    }

    /// Whether the list contains the origin.
    fn contains(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        let origin = normalize(origin);
        self.0
            .iter()
            .any(|allowed| allowed.0 == "*" || allowed.0 == origin)
    }
}

/// Answers preflights, and lets pages of allowed origins read the answers.
pub(crate) async fn answer_cors(allowed: AllowedOrigins, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let origin = origin.filter(|origin| allowed.contains(origin));
    let is_preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match (&origin, is_preflight) {
        (Some(_), true) => {
            let headers = [
                (header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
                (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE_S),
            ];
            (StatusCode::NO_CONTENT, headers).into_response()
        }
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    // A cache must not give one page the answer to another's request.
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = HeaderValue::from_static(EXPOSED_HEADERS);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    response
}

/// Whether the page was loaded from the host that the request is for.
fn is_same_host(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_ascii_lowercase);
    let (Some(origin), Some(host)) = (text(origin), headers.get(header::HOST).and_then(text))
    else {
        return false;
    };
    // `null` and other opaque origins have no scheme.
    let Some((scheme, _)) = origin.split_once("://") else {
        return false;
    };
    normalize(&origin) == normalize(&format!("{scheme}://{host}"))
}

/// Returns an origin in lower case and without the default port of its scheme, as browsers
/// write it (RFC 6454, section 6.2).
fn normalize(origin: &str) -> Cow<'_, str> {
    let default_port = |scheme: &str| match scheme.to_ascii_lowercase().as_str() {
        "http" => Some(":80"),
        "https" => Some(":443"),
        _ => None,
    };
    let port = origin
        .split_once("://")
        .and_then(|(scheme, _)| default_port(scheme));
    let origin = port.map_or(origin, |port| origin.strip_suffix(port).unwrap_or(origin));
    match origin.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => origin.to_ascii_lowercase().into(),
        false => origin.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &'static str, origins: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static(host));
        for origin in origins {
            headers.append(header::ORIGIN, HeaderValue::from_static(origin));
        }
        headers
    }

    fn allowed(list: &[&str]) -> AllowedOrigins {
        let parse = |origin: &&str| origin.parse().unwrap();
        AllowedOrigins::new(list.iter().map(parse).collect())
    }

    #[test]
    fn pages_of_the_own_host_and_of_listed_origins_are_allowed() {
        let one = allowed(&["https://app.example", "capacitor://localhost"]);
        for (host, origins, expected) in [
            ("home.example", &[][..], true),
            ("home.example", &["https://home.example"], true),
            ("home.example", &["http://home.example"], true),
            ("Home.example:8080", &["http://home.example:8080"], true),
            ("home.example:443", &["https://home.example"], true),
            ("home.example:80", &["http://home.example"], true),
            ("[::1]:80", &["http://[::1]"], true),
            ("home.example", &["https://app.example"], true),
            ("home.example", &["https://APP.example:443"], true),
            ("home.example", &["capacitor://localhost"], true),
            // Another port, scheme or host is another origin.
            ("home.example:8080", &["http://home.example"], false),
            ("home.example", &["http://app.example"], false),
            ("home.example", &["https://app.example:8443"], false),
            ("home.example", &["https://evil.example"], false),
            (
                "home.example",
                &["https://home.example.evil.example"],
                false,
            ),
            ("home.example", &["null"], false),
            ("home.example", &[""], false),
            (
                "home.example",
                &["https://home.example", "https://app.example"],
                false,
            ),
        ] {
            let checked = one.check(&headers(host, origins));
            assert_eq!(checked.is_ok(), expected, "{host} {origins:?}");
        }
        let any = allowed(&["*"]);
        assert!(any.check(&headers("h", &["https://evil.example"])).is_ok());
    }

    #[test]
    fn origin_has_a_scheme_and_a_host_only() {
        for (text, expected) in [
            ("*", Some("*")),
            ("https://App.example:443", Some("https://app.example")),
            ("http://localhost:3000", Some("http://localhost:3000")),
            ("", None),
            ("app.example", None),
            ("https://", None),
            ("https://app.example/", None),
            ("https://app.example/path", None),
            ("https://*.example", None),
            ("https://me@app.example", None),
            ("://app.example", None),
        ] {
            let parsed = text.parse::<Origin>().ok().map(|origin| origin.to_string());
            assert_eq!(parsed.as_deref(), expected, "{text}");
        }
    }
}
