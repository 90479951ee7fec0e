//! The rules of the paths for operators: `/admin`, `/nodes` and `/metrics`.

use axum::http::{HeaderMap, Method, StatusCode};

use super::{AllowedOrigins, ApiError, bearer_token, require_json};
use crate::auth::Secret;

/// The challenge to a request without the admin token.
const ADMIN_CHALLENGE: &str = "Bearer realm=\"highwater admin\"";

/// The callers to which a listener serves the paths for operators.
#[derive(Debug, Clone)]
pub(crate) enum AdminAccess {
    /// Every caller that reaches the listener.
    Open,
    /// Callers that present the token.
    Token(Secret),
    /// No caller: clients need tokens here, and operators have no token.
    Closed,
}

/// The reason why a listener does not serve a path for operators.
#[derive(Debug)]
pub(crate) enum AdminRejected {
    /// The token is missing or wrong.
    WrongToken,
    /// Any other reason.
    Other(ApiError),
}

impl AdminAccess {
    /// Checks a request. A request that changes something must not be sent by the page of
    /// another site: a browser sends its forms, but sends JSON only if the server allows it.
    pub(crate) fn check(
        &self,
        method: &Method,
        headers: &HeaderMap,
        origins: &AllowedOrigins,
    ) -> Result<(), AdminRejected> {
        if !method.is_safe() {
            origins.check(headers).map_err(AdminRejected::Other)?;
        }
        match self {
            Self::Open => {}
            Self::Token(secret) => {
                if !bearer_token(headers).is_some_and(|given| secret.matches(given)) {
                    return Err(AdminRejected::WrongToken);
                }
            }
            Self::Closed => {
                return Err(AdminRejected::Other(ApiError::new(
                    StatusCode::FORBIDDEN,
                    "this listener does not serve operators: clients need tokens here",
                    "start with --admin-token-file, or serve operators on --admin-listen",
                )));
            }
        }
        match method.is_safe() {
            true => Ok(()),
            false => require_json(headers).map_err(AdminRejected::Other),
        }
    }
}

impl From<AdminRejected> for ApiError {
    fn from(rejected: AdminRejected) -> Self {
        match rejected {
            AdminRejected::WrongToken => Self::unauthorized(
                "that is not the admin token",
                "send it in `Authorization: Bearer`",
                ADMIN_CHALLENGE,
            ),
            AdminRejected::Other(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use axum::http::{HeaderValue, header};

    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    /// Returns the status of the rejection; 200 without one.
    fn status(access: &AdminAccess, method: Method, lines: &[(header::HeaderName, &str)]) -> u16 {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("node.example"));
        for (name, value) in lines {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        let checked = access.check(&method, &headers, &AllowedOrigins::default());
        checked.map_or_else(
            |rejected| ApiError::from(rejected).status.as_u16(),
            |()| 200,
        )
    }

    #[test]
    fn request_of_another_site_or_without_json_changes_nothing() {
        let json = (header::CONTENT_TYPE, "application/json");
        let own = (header::ORIGIN, "https://node.example");
        let other = (header::ORIGIN, "https://evil.example");
        let form = (header::CONTENT_TYPE, "text/plain");
        let open = AdminAccess::Open;
        assert_eq!(status(&open, Method::POST, from_ref(&json)), 200);
        assert_eq!(
            status(&open, Method::POST, &[json.clone(), own.clone()]),
            200
        );
        assert_eq!(status(&open, Method::POST, &[]), 415);
        assert_eq!(status(&open, Method::POST, &[form.clone(), own]), 415);
        assert_eq!(status(&open, Method::POST, &[json, other.clone()]), 403);
        assert_eq!(status(&open, Method::POST, &[form, other.clone()]), 403);
        assert_eq!(status(&open, Method::GET, &[other]), 200);
    }

    #[test]
    fn token_is_required_where_there_is_one() {
        let token = AdminAccess::Token(TOKEN.parse().unwrap());
        let bearer = format!("bearer {TOKEN}");
        let right = (header::AUTHORIZATION, bearer.as_str());
        let wrong = (header::AUTHORIZATION, "Bearer wrong");
        assert_eq!(status(&token, Method::GET, from_ref(&right)), 200);
        assert_eq!(status(&token, Method::GET, &[wrong]), 401);
        assert_eq!(status(&token, Method::GET, &[]), 401);
        assert_eq!(status(&AdminAccess::Closed, Method::GET, &[right]), 403);
    }
}
