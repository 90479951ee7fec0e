//! Tokens that a worker signs itself, with the secret of the cluster that the run
//! has started.
//!
//! Real devices have logged in before the load begins. Logging in ten thousand
//! devices in the ramp would measure the login; signing costs a worker some
//! microseconds a device, and the nodes check each token as they check any.

use std::time::Duration;

use jwt_compact::{
    AlgorithmExt, Claims, Header, TimeOptions,
    alg::{Hs256, Hs256Key},
};
use serde::{Deserialize, Serialize};

use super::SecretString;

/// Signs tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSigner {
    /// The cluster's secret.
    pub secret: SecretString,
    /// How long tokens are valid, in seconds: longer than the run.
    pub lifetime_s: u64,
}

/// What `docs/protocol.md` says of a token's claims.
#[derive(Serialize)]
struct DeviceClaims<'a> {
    sub: &'a str,
    devices: [&'a str; 1],
}

impl TokenSigner {
    /// With a random secret, for a run of about this length.
    pub fn random(run: Duration) -> Self {
        let secret = format!(
            "{:032x}{:032x}",
            rand::random::<u128>(),
            rand::random::<u128>()
        );
        Self {
            secret: secret.into(),
            lifetime_s: run.as_secs() + 3_600,
        }
    }

    /// A token for one device, or for all with `*`.
    pub fn token(&self, user: &str, devices: &str) -> SecretString {
        let key = Hs256Key::new(self.secret.expose_secret());
        let claims = Claims::new(DeviceClaims {
            sub: user,
            devices: [devices],
        });
        let lifetime = chrono::Duration::seconds(self.lifetime_s as i64);
        let claims = claims.set_duration_and_issuance(&TimeOptions::default(), lifetime);
        match Hs256.token(&Header::empty(), &claims, &key) {
            Ok(token) => token.into(),
            Err(error) => unreachable!("two strings always serialize: {error}"),
        }
    }
}
