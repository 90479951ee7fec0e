//! Signing tokens and checking them: JSON Web Tokens with HS256 (RFC 7519).

use std::time::Duration;

use jwt_compact::{
    AlgorithmExt, Claims as Standard, Header, TimeOptions, UntrustedToken, ValidationError,
    alg::{Hs256, Hs256Key},
};
use serde::{Deserialize, Serialize};

use super::{DevicePatterns, Grant, Secret, SessionId};

/// Tolerated difference between the clocks of the cluster and of other issuers.
const LEEWAY: chrono::Duration = chrono::Duration::seconds(30);
/// Longest token that is looked at, in bytes.
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

/// The reason why a token or a secret is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthError {
    #[error("there is no token")]
    Missing,
    #[error("the token is not one of this cluster's")]
    Invalid,
    #[error("the token has expired")]
    Expired,
    #[error("the token was issued in the future")]
    NotYetValid,
    #[error("the token is for other devices")]
    DeviceNotAllowed,
    #[error("that is not the login secret")]
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

    /// A token that is valid from now on; with it, when it ends, in seconds since
    /// 1970.
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
        if token.len() > MAX_TOKEN_BYTES {
            return Err(AuthError::Invalid);
        }
        let token = UntrustedToken::new(token).map_err(|_| AuthError::Invalid)?;
        let checked = Hs256
            .validator::<Claims>(&self.key)
            .validate(&token)
            .map_err(|_| AuthError::Invalid)?;
        let claims = checked.claims();
        claims
            .validate_expiration(&self.time_options)
            .map_err(|error| match error {
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
        let begins = claims.issued_at.max(claims.not_before);
        match begins {
            Some(begins) if begins > now + LEEWAY => Err(AuthError::NotYetValid),
            _ => Ok(()),
        }
    }
}

impl AuthError {
    /// The label in `highwater_auth_rejected_total`.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Invalid => "invalid",
            Self::Expired => "expired",
            Self::NotYetValid => "early",
            Self::DeviceNotAllowed => "other_device",
            Self::WrongLoginSecret => "login",
        }
    }

    pub(crate) const ALL: [Self; 6] = [
        Self::Missing,
        Self::Invalid,
        Self::Expired,
        Self::NotYetValid,
        Self::DeviceNotAllowed,
        Self::WrongLoginSecret,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "an-example-secret-of-32-bytes-ok";

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

    #[test]
    fn what_was_signed_is_granted_until_it_ends() {
        let claims = claims();
        let (token, until) = tokens().sign(claims.clone(), Duration::from_secs(60));
        let grant = tokens().verify(&token).unwrap();
        assert_eq!(grant.expires_at_s, until + 30);
        assert_eq!(
            (grant.user, grant.session, grant.devices),
            (claims.user, claims.session, claims.devices)
        );
    }

    /// Made with Python's hmac, base64 and json.
    #[test]
    fn a_token_of_another_hand() {
        let token = include_str!("foreign.jwt").trim();
        let grant = tokens().verify(token).unwrap();
        assert_eq!((grant.user.as_str(), grant.session), ("bob", None));
        assert!(grant.devices.matches(&"home-7".parse().unwrap()));
        assert_eq!(grant.expires_at_s, 4_102_444_800 + 30);
    }

    #[test]
    fn every_byte_counts() {
        let (token, _) = tokens().sign(claims(), Duration::from_secs(60));
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(
                tokens().verify(&changed).err(),
                Some(AuthError::Invalid),
                "{at}"
            );
        }
        let other: Secret = "another-secret-of-32-bytes-or-more".parse().unwrap();
        assert_eq!(
            Tokens::new(&other).verify(&token).err(),
            Some(AuthError::Invalid)
        );
        for junk in ["", ".", "..", "a.b.c", &"x".repeat(5000)] {
            assert_eq!(tokens().verify(junk).err(), Some(AuthError::Invalid));
        }
    }

    #[test]
    fn no_algorithm_is_no_signature() {
        let (token, _) = tokens().sign(claims(), Duration::from_secs(60));
        let body = token.split('.').nth(1).unwrap();
        // {"alg":"none"}
        let unsigned = format!("eyJhbGciOiJub25lIn0.{body}.");
        assert_eq!(tokens().verify(&unsigned).err(), Some(AuthError::Invalid));
    }

    #[test]
    fn times_are_held_with_some_leeway() {
        let at = |shift_s: i64| {
            Tokens {
                key: Hs256Key::new(SECRET),
                time_options: TimeOptions::from_leeway(LEEWAY),
            }
            .signed_at(shift_s)
        };
        assert!(tokens().verify(&at(-60 - 20)).is_ok());
        assert_eq!(
            tokens().verify(&at(-60 - 40)).err(),
            Some(AuthError::Expired)
        );
        assert!(tokens().verify(&at(20)).is_ok());
        assert_eq!(tokens().verify(&at(40)).err(), Some(AuthError::NotYetValid));
        let endless = Hs256
            .token(&Header::empty(), &Standard::new(claims()), &tokens().key)
            .unwrap();
        assert_eq!(tokens().verify(&endless).err(), Some(AuthError::Invalid));
    }

    impl Tokens {
        /// A token of a minute, signed that many seconds from now.
        fn signed_at(&self, shift_s: i64) -> String {
            let then = chrono::Utc::now() + chrono::Duration::seconds(shift_s);
            let times = TimeOptions::new(LEEWAY, move || then);
            let claims = Standard::new(claims())
                .set_duration_and_issuance(&times, chrono::Duration::seconds(60));
            Hs256.token(&Header::empty(), &claims, &self.key).unwrap()
        }
    }
}
