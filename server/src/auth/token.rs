//! Signing tokens and checking them: JSON Web Tokens with HS256 (RFC 7515 and 7519).

use std::{fmt::Write, time::Duration};

use jwt_compact::{
    Algorithm, AlgorithmExt, AlgorithmSignature, Claims as Standard, Header, TimeOptions, Token,
    UntrustedToken, ValidationError,
    alg::{Hs256, Hs256Key},
};
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};
use strum::{IntoStaticStr, VariantArray};

use super::{DevicePatterns, Grant, Secret, SessionId};

/// Tolerated difference between the clocks of the cluster and of other issuers.
const LEEWAY: chrono::Duration = chrono::Duration::seconds(30);
/// Longest token that is checked, in bytes.
const MAX_TOKEN_BYTES: usize = 4096;
/// Longest name of a user, in bytes.
const MAX_USER_BYTES: usize = 256;
/// The message whose signature names a key.
const KEY_ID_MESSAGE: &[u8] = b"highwater key id";
/// Bytes of that signature in the name.
const KEY_ID_BYTES: usize = 8;

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

/// The claims of a token that is checked.
#[derive(Debug, Clone, Deserialize)]
struct CheckedClaims {
    #[serde(rename = "aud", default, deserialize_with = "audience")]
    audience: Option<Vec<String>>,
    #[serde(flatten)]
    claims: Claims,
}

/// The parts of a token's header that its check depends on, besides the algorithm.
#[derive(Debug, Clone, Deserialize)]
struct HeaderExtensions {
    /// Whether the header names extensions that a recipient must understand.
    #[serde(rename = "crit", default, deserialize_with = "is_present")]
    has_critical: bool,
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
    #[error("that is not the admin token")]
    #[strum(serialize = "admin")]
    WrongAdminToken,
    #[error("this address has presented too many wrong secrets")]
    TooManyAttempts,
    #[error("too many wrong secrets were presented for this account")]
    AccountLimit,
}

/// Signs with one secret, and checks with it and, while secrets are exchanged, the previous one.
pub(crate) struct Tokens {
    key: TokenKey,
    previous: Option<TokenKey>,
    /// The name by which tokens mean this cluster.
    audience: Option<String>,
    time_options: TimeOptions,
}

struct TokenKey {
    /// The name of the key in the header of its tokens.
    id: String,
    key: Hs256Key,
}

impl TokenKey {
    fn new(secret: &Secret) -> Self {
        let key = Hs256Key::new(secret.bytes());
        // The beginning of a signature tells keys apart, and tells nothing about the secret.
        let signature = Hs256.sign(&key, KEY_ID_MESSAGE);
        let mut id = String::new();
        for byte in &signature.as_bytes()[..KEY_ID_BYTES] {
            // Writing to a string does not fail.
            let _ = write!(id, "{byte:02x}");
        }
        Self { id, key }
    }
}

impl Tokens {
    pub(crate) fn new(secret: &Secret) -> Self {
        Self {
            key: TokenKey::new(secret),
            previous: None,
            audience: None,
            time_options: TimeOptions::from_leeway(LEEWAY),
        }
    }

    /// Accepts tokens of the previous secret too, and signs none with it.
    pub(crate) fn with_previous(mut self, previous: Option<&Secret>) -> Self {
        self.previous = previous.map(TokenKey::new);
        self
    }

    /// Accepts tokens for this audience, besides those for no certain one.
    pub(crate) fn with_audience(mut self, audience: Option<String>) -> Self {
        self.audience = audience;
        self
    }

    /// Returns a token that is valid from now on, and its end in seconds since 1970.
    pub(crate) fn sign(&self, claims: Claims, lifetime: Duration) -> (String, u64) {
        let lifetime = chrono::Duration::seconds(lifetime.as_secs() as i64);
        let claims = Standard::new(claims).set_duration_and_issuance(&self.time_options, lifetime);
        let until = claims.expiration.map_or(0, |at| at.timestamp() as u64);
        let header = Header::empty().with_key_id(&self.key.id);
        match Hs256.token(&header, &claims, &self.key.key) {
            Ok(token) => (token, until),
            Err(error) => unreachable!("strings always serialize: {error}"),
        }
    }

    /// Checks signature, audience and times.
    pub(crate) fn verify(&self, token: &str) -> Result<Grant, AuthError> {
        // Before the signature is computed, whose cost grows with the length.
        if token.len() > MAX_TOKEN_BYTES {
            return Err(AuthError::Invalid);
        }
        let checked = self.verify_signature(token)?;
        let claims = checked.claims();
        let CheckedClaims {
            audience,
            claims: custom,
        } = claims.custom.clone();
        self.check_audience(audience.as_deref())?;
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
        } = custom;
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

    /// Returns the user that a token names, without a check of the token.
    pub(crate) fn claimed_user(&self, token: &str) -> Option<String> {
        #[derive(Deserialize)]
        struct ClaimedUser {
            sub: String,
        }
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let token = UntrustedToken::<HeaderExtensions>::try_from(token).ok()?;
        let claims = token.deserialize_claims_unchecked::<ClaimedUser>().ok()?;
        Some(claims.custom.sub)
    }

    fn verify_signature(
        &self,
        token: &str,
    ) -> Result<Token<CheckedClaims, HeaderExtensions>, AuthError> {
        let token = UntrustedToken::<HeaderExtensions>::try_from(token);
        let token = token.map_err(|_| AuthError::Invalid)?;
        // No extension is known here, and an unknown one makes the token invalid (RFC 7515,
        // section 4.1.11).
        if token.header().other_fields.has_critical {
            return Err(AuthError::Invalid);
        }
        let key_id = token.header().key_id.as_deref();
        let keys = || {
            [Some(&self.key), self.previous.as_ref()]
                .into_iter()
                .flatten()
        };
        // Other issuers may use any name for the key, or none: then every key is tried.
        let named = keys().find(|key| Some(key.id.as_str()) == key_id);
        let verify = |key: &TokenKey| {
            let validator = Hs256.validator::<CheckedClaims>(&key.key);
            validator.validate(&token).ok()
        };
        match named {
            Some(key) => verify(key),
            None => keys().find_map(verify),
        }
        .ok_or(AuthError::Invalid)
    }

    /// Rejects a token that is for others only (RFC 7519, section 4.1.3).
    fn check_audience(&self, audience: Option<&[String]>) -> Result<(), AuthError> {
        let is_meant = |names: &[String]| {
            let own = self.audience.as_ref();
            own.is_some_and(|own| names.contains(own))
        };
        match audience {
            Some(names) if !is_meant(names) => Err(AuthError::Invalid),
            _ => Ok(()),
        }
    }

    fn check_not_before(&self, claims: &Standard<CheckedClaims>) -> Result<(), AuthError> {
        let now = (self.time_options.clock_fn)();
        // Both are optional (RFC 7519, section 4.1), and the later one counts.
        let begins = claims.issued_at.max(claims.not_before);
        match begins {
            Some(begins) if begins > now + LEEWAY => Err(AuthError::NotYetValid),
            _ => Ok(()),
        }
    }
}

/// Reads an audience: one name, or a list.
fn audience<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMore {
        One(String),
        More(Vec<String>),
    }
    OneOrMore::deserialize(deserializer).map(|audience| {
        Some(match audience {
            OneOrMore::One(name) => vec![name],
            OneOrMore::More(names) => names,
        })
    })
}

/// Returns that the field is there, whatever its value.
fn is_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
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
            .token(&Header::empty(), &claims, &tokens().key.key)
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

    #[test]
    fn user_of_a_token_is_known_without_its_key() {
        let other = Tokens::new(&"another-secret-of-32-bytes-or-more".parse().unwrap());
        for signer in [tokens(), other] {
            let (token, _) = signer.sign(claims(), MINUTE);
            assert_eq!(tokens().claimed_user(&token).as_deref(), Some("anna"));
        }
        let long = "a".repeat(MAX_TOKEN_BYTES + 1);
        for none in ["", "a.b.c", "nonsense", &long] {
            assert_eq!(tokens().claimed_user(none), None, "{none}");
        }
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
            .token(
                &Header::empty(),
                &Standard::new(claims()),
                &tokens().key.key,
            )
            .unwrap();
        assert_eq!(rejection(&endless), Some(AuthError::Invalid));
    }

    /// Returns a token of this header and these claims, signed with HS256 whatever the header
    /// says.
    fn signed(header: &str, claims: &serde_json::Value) -> String {
        let data = format!("{}.{}", base64url(header), base64url(claims.to_string()));
        let signature = Hs256.sign(&tokens().key.key, data.as_bytes());
        format!("{data}.{}", base64url(signature.as_bytes()))
    }

    fn base64url(bytes: impl AsRef<[u8]>) -> String {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let digits = |chunk: &[u8]| {
            let bits = chunk
                .iter()
                .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
            let bits = bits << (8 * (3 - chunk.len()));
            let digit = move |at| char::from(DIGITS[(bits >> (18 - 6 * at)) as usize & 63]);
            (0..=chunk.len()).map(digit).collect::<String>()
        };
        bytes.as_ref().chunks(3).map(digits).collect()
    }

    #[test]
    fn header_is_checked_as_rfc_7515_defines_it() {
        let end = (chrono::Utc::now() + chrono::Duration::seconds(60)).timestamp();
        let claims = serde_json::json!({"sub": "anna", "exp": end});
        for (header, valid) in [
            (r#"{"alg":"HS256"}"#, true),
            (r#"{"typ":"JWT","alg":"HS256"}"#, true),
            // The type is for applications that mix kinds of tokens (RFC 7519, section 5.1).
            (r#"{"typ":"jwt","alg":"HS256"}"#, true),
            (r#"{"typ":"at+jwt","alg":"HS256"}"#, true),
            (r#"{"alg":"HS256","kid":"of-another-issuer"}"#, true),
            (r#"{"alg":"HS256","x-unknown":1}"#, true),
            (r#"{"\u0061lg":"HS\u003256"}"#, true),
            (r#"{"alg":"HS256","crit":["exp"]}"#, false),
            (r#"{"alg":"HS256","crit":["b64"],"b64":true}"#, false),
            (r#"{"alg":"HS256","crit":[]}"#, false),
            (r#"{"alg":"HS256","crit":null}"#, false),
            // Names of algorithms are case-sensitive.
            (r#"{"alg":"hs256"}"#, false),
            (r#"{"alg":"none"}"#, false),
            (r#"{"alg":"None"}"#, false),
            (r#"{"alg":"HS512"}"#, false),
            (r#"{"alg":"RS256"}"#, false),
            (r#"{"typ":"JWT"}"#, false),
            (r#"{"alg":"HS256","alg":"HS256"}"#, false),
            (r#"{"alg":"HS256","cty":"JWT"}"#, false),
            (r#"["HS256"]"#, false),
        ] {
            let rejected = rejection(&signed(header, &claims));
            let expected = (!valid).then_some(AuthError::Invalid);
            assert_eq!(rejected, expected, "{header}");
        }
    }

    #[test]
    fn claims_are_checked_as_rfc_7519_defines_them() {
        use AuthError::{Expired, Invalid, NotYetValid};
        let now = chrono::Utc::now().timestamp();
        let soon = now + 60;
        let json = |text: &str| text.parse::<serde_json::Value>().unwrap();
        for (name, value, expected) in [
            ("aud", json(r#""highwater""#), None),
            ("aud", json(r#"["other","highwater"]"#), None),
            ("aud", json(r#""other""#), Some(Invalid)),
            // Names are case-sensitive.
            ("aud", json(r#""Highwater""#), Some(Invalid)),
            ("aud", json(r#"["other"]"#), Some(Invalid)),
            ("aud", json("[]"), Some(Invalid)),
            ("aud", json("null"), Some(Invalid)),
            ("aud", json("7"), Some(Invalid)),
            ("nbf", (now - 1).into(), None),
            ("nbf", (now + 3600).into(), Some(NotYetValid)),
            ("iat", (now + 3600).into(), Some(NotYetValid)),
            ("nbf", json(r#""soon""#), Some(Invalid)),
            // Dates may have fractions.
            ("exp", json(&format!("{soon}.5")), None),
            ("exp", (now - 3600).into(), Some(Expired)),
            ("exp", json(&format!("\"{soon}\"")), Some(Invalid)),
            ("exp", json("null"), Some(Invalid)),
            ("jti", json(r#""x""#), None),
            ("iss", json(r#""https://issuer.example""#), None),
            ("unknown", json(r#"{"a":[1]}"#), None),
        ] {
            let mut claims = serde_json::json!({"sub": "anna", "exp": soon});
            claims[name] = value;
            let token = signed(r#"{"alg":"HS256"}"#, &claims);
            let tokens = tokens().with_audience(Some("highwater".to_owned()));
            assert_eq!(tokens.verify(&token).err(), expected, "{claims}");
        }
        // A cluster without a name is not the audience that the token means.
        let claims = serde_json::json!({"sub": "anna", "exp": soon, "aud": "highwater"});
        let token = signed(r#"{"alg":"HS256"}"#, &claims);
        assert_eq!(rejection(&token), Some(Invalid));
    }

    #[test]
    fn tokens_of_the_previous_secret_are_granted_until_it_is_dropped() {
        let [old, new]: [Secret; 2] = [
            "the-secret-of-last-month-0123456".parse().unwrap(),
            "the-secret-of-this-month-0123456".parse().unwrap(),
        ];
        let both = Tokens::new(&new).with_previous(Some(&old));
        let (before, _) = Tokens::new(&old).sign(claims(), MINUTE);
        let (after, _) = both.sign(claims(), MINUTE);
        for token in [&before, &after] {
            assert!(both.verify(token).is_ok());
        }
        // Nodes that have the new secret alone accept the tokens that nodes with both sign.
        assert!(Tokens::new(&new).verify(&after).is_ok());
        let dropped = Tokens::new(&new).verify(&before);
        assert_eq!(dropped.err(), Some(AuthError::Invalid));
        // A token without the key's name, as other issuers sign it.
        let bare = Hs256Key::new(old.bytes());
        let claims = Standard::new(claims())
            .set_duration_and_issuance(&TimeOptions::default(), chrono::Duration::seconds(60));
        let bare = Hs256.token(&Header::empty(), &claims, &bare).unwrap();
        assert!(both.verify(&bare).is_ok());
    }
}
