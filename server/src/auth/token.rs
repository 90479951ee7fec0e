//! Signing tokens and checking them: JSON Web Tokens with HS256 (RFC 7519).

use std::time::Duration;

use jwt_compact::{
    AlgorithmExt, Claims as Standard, Header, TimeOptions, UntrustedToken, ValidationError,
    alg::{Hs256, Hs256Key},
};
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::{DevicePatterns, Grant, Secret, SessionId};

/// Tolerated difference between the clocks of the cluster and of other issuers.
const LEEWAY: chrono::Duration = chrono::Duration::seconds(30);
/// Longest token that is checked, in bytes.
const MAX_TOKEN_BYTES: usize = 4096;
/// Longest name of a user, in bytes.
const MAX_USER_BYTES: usize = 256;

/// The claims of a token beside its times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    #[serde(rename = "sub")]
    pub(crate) user: String,
    #[serde(rename = "sid", default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<SessionId>,
    #[serde(default)]
    pub(crate) devices: DevicePatterns,
}

/// The reason why a token or a secret is rejected. Its text is the label in
/// `highwater_auth_rejected_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum AuthError {
    #[error("there is no token")]
    Missing,
    #[error("the token is not one of this cluster's")]
    Invalid,
    #[error("the token has expired")]
    Expired,
    #[error("the token was issued in the future")]
    #[strum(serialize = "early")]
    NotYetValid,
    #[error("the token is for other devices")]
    #[strum(serialize = "other_device")]
    DeviceNotAllowed,
    #[error("that is not the login secret")]
    #[strum(serialize = "login")]
    WrongLoginSecret,
}

/// Signs and checks with one secret.
pub(crate) struct Tokens {
    key: Hs256Key,
    time_options: TimeOptions,
}

impl Tokens {
    pub(crate) fn new(secret: &Secret) -> Self {
        Self {
            key: Hs256Key::new(secret.bytes()),
            time_options: TimeOptions::from_leeway(LEEWAY),
        }
    }

    /// Returns a token that is valid from now on, and its end in seconds since 1970.
    pub(crate) fn sign(&self, claims: Claims, lifetime: Duration) -> (String, u64) {
        let lifetime = chrono::Duration::seconds(lifetime.as_secs() as i64);
        let claims = Standard::new(claims).set_duration_and_issuance(&self.time_options, lifetime);
        let until = claims.expiration.map_or(0, |at| at.timestamp() as u64);
        match Hs256.token(&Header::empty(), &claims, &self.key) {
            Ok(token) => (token, until),
            Err(error) => unreachable!("strings always serialize: {error}"),
        }
    }

    /// Checks signature and times.
    pub(crate) fn verify(&self, token: &str) -> Result<Grant, AuthError> {
        // Before the signature is computed, whose cost grows with the length.
        if token.len() > MAX_TOKEN_BYTES {
            return Err(AuthError::Invalid);
        }
        let token = UntrustedToken::new(token).map_err(|_| AuthError::Invalid)?;
        let checked = Hs256.validator::<Claims>(&self.key).validate(&token);
        let checked = checked.map_err(|_| AuthError::Invalid)?;
        let claims = checked.claims();
        let end = claims.validate_expiration(&self.time_options);
        end.map_err(|error| match error {
            ValidationError::Expired => AuthError::Expired,
            // This cluster issues no token without an end, so a missing one is an error.
            _ => AuthError::Invalid,
        })?;
        self.check_not_before(claims)?;
        let until = claims
            .expiration
            .and_then(|at| at.checked_add_signed(LEEWAY))
            .ok_or(AuthError::Invalid)?;
        let Claims {
            user,
            session,
            devices,
        } = claims.custom.clone();
        if user.len() > MAX_USER_BYTES {
            return Err(AuthError::Invalid);
        }
        Ok(Grant {
            session,
            user,
            devices,
            expires_at_s: until.timestamp().try_into().unwrap_or(0),
        })
    }

    fn check_not_before(&self, claims: &Standard<Claims>) -> Result<(), AuthError> {
        let now = (self.time_options.clock_fn)();
        // Both are optional (RFC 7519, section 4.1), and the later one counts.
        let begins = claims.issued_at.max(claims.not_before);
        match begins {
            Some(begins) if begins > now + LEEWAY => Err(AuthError::NotYetValid),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "an-example-secret-of-32-bytes-ok";
    const MINUTE: Duration = Duration::from_secs(60);

    fn tokens() -> Tokens {
        Tokens::new(&SECRET.parse().unwrap())
    }

    fn claims() -> Claims {
        Claims {
            user: "anna".to_owned(),
            session: Some(SessionId::random()),
            devices: vec!["home-*".to_owned()].try_into().unwrap(),
        }
    }

    /// Returns a token of a minute, signed that many seconds from now.
    fn signed_at(shift_s: i64) -> String {
        let then = chrono::Utc::now() + chrono::Duration::seconds(shift_s);
        let times = TimeOptions::new(LEEWAY, move || then);
        let claims = Standard::new(claims())
            .set_duration_and_issuance(&times, chrono::Duration::seconds(60));
        Hs256
            .token(&Header::empty(), &claims, &tokens().key)
            .unwrap()
    }

    fn rejection(token: &str) -> Option<AuthError> {
        tokens().verify(token).err()
    }

    #[test]
    fn signed_claims_are_granted_until_their_end() {
        let claims = claims();
        let (token, until) = tokens().sign(claims.clone(), MINUTE);
        let grant = tokens().verify(&token).unwrap();
        assert_eq!(grant.expires_at_s, until + 30);
        assert_eq!(
            (grant.user, grant.session, grant.devices),
            (claims.user, claims.session, claims.devices)
        );
    }

    /// Checks a token that was made with Python's hmac, base64 and json.
    #[test]
    fn token_of_another_implementation_is_granted() {
        let token = include_str!("foreign.jwt").trim();
        let grant = tokens().verify(token).unwrap();
        assert_eq!((grant.user.as_str(), grant.session), ("bob", None));
        assert!(grant.devices.matches(&"home-7".parse().unwrap()));
        assert_eq!(grant.expires_at_s, 4_102_444_800 + 30);
    }

    #[test]
    fn token_with_a_changed_byte_is_invalid() {
        let (token, _) = tokens().sign(claims(), MINUTE);
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(rejection(&changed), Some(AuthError::Invalid), "{at}");
        }
        let other: Secret = "another-secret-of-32-bytes-or-more".parse().unwrap();
        let verified = Tokens::new(&other).verify(&token);
        assert_eq!(verified.err(), Some(AuthError::Invalid));
        for junk in ["", ".", "..", "a.b.c", &"x".repeat(5000)] {
            assert_eq!(rejection(junk), Some(AuthError::Invalid));
        }
    }

    #[test]
    fn token_without_algorithm_is_invalid() {
        let (token, _) = tokens().sign(claims(), MINUTE);
        let body = token.split('.').nth(1).unwrap();
        // {"alg":"none"}
        let unsigned = format!("eyJhbGciOiJub25lIn0.{body}.");
        assert_eq!(rejection(&unsigned), Some(AuthError::Invalid));
    }

    #[test]
    fn times_are_checked_with_leeway() {
        assert_eq!(rejection(&signed_at(-60 - 20)), None);
        assert_eq!(rejection(&signed_at(-60 - 40)), Some(AuthError::Expired));
        assert_eq!(rejection(&signed_at(20)), None);
        assert_eq!(rejection(&signed_at(40)), Some(AuthError::NotYetValid));
        let endless = Hs256
            .token(&Header::empty(), &Standard::new(claims()), &tokens().key)
            .unwrap();
        assert_eq!(rejection(&endless), Some(AuthError::Invalid));
    }
}
