//! Tokens that a worker signs itself, with the secret of the cluster that the run started.
//!
//! Real devices have logged in before the load begins. Logging in ten thousand devices in
//! the ramp would measure the login. Signing costs a worker some microseconds per device,
//! and the nodes check each token as they check any other.

use std::time::Duration;

use jwt_compact::{
    AlgorithmExt, Claims, Header, TimeOptions,
    alg::{Hs256, Hs256Key},
};
use serde::{Deserialize, Serialize};

use super::SecretString;

/// A signer of tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSigner {
    /// The cluster's secret.
    pub secret: SecretString,
    /// Time for which tokens are valid, in seconds: longer than the run.
    pub lifetime_s: u64,
}

/// The claims of a token, as in `docs/protocol.md`.
#[derive(Serialize)]
struct DeviceClaims<'a> {
    sub: &'a str,
    devices: [&'a str; 1],
}

impl TokenSigner {
    /// Creates a signer with a random secret, for a run of about this length.
    pub fn random(run: Duration) -> Self {
        Self {
            secret: SecretString::random(),
            // An hour more, because ramp and drain may take longer than planned.
            lifetime_s: run.as_secs() + 3_600,
        }
    }

    /// Signs a token for one device, or for all with `*`.
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
