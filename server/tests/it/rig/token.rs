//! Tokens as an issuer of the user's makes them.

use jwt_compact::{
    AlgorithmExt, Claims, Header, TimeOptions,
    alg::{Hs256, Hs256Key},
};
use serde_json::json;

/// The secret that signs them.
pub(crate) const SECRET: &str = "an-example-secret-of-32-bytes-ok";

/// Returns a token of anna that was issued `ago_s` seconds ago and is valid for `lifetime_s` seconds.
pub(crate) fn token(devices: &[&str], ago_s: i64, lifetime_s: i64) -> String {
    let began = chrono::Utc::now() - chrono::Duration::seconds(ago_s);
    let times = TimeOptions::new(chrono::Duration::zero(), move || began);
    let claims = Claims::new(json!({"sub": "anna", "devices": devices}))
        .set_duration_and_issuance(&times, chrono::Duration::seconds(lifetime_s));
    let key = Hs256Key::new(SECRET);
    Hs256.token(&Header::empty(), &claims, &key).unwrap()
}
