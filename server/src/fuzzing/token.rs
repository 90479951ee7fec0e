//! The tokens of callers and devices.

use jwt_compact::{
    AlgorithmExt, Claims, Header,
    alg::{Hs256, Hs256Key},
};
use serde_json::Value;

use crate::auth::{AuthError, Secret, Tokens};

const SECRET: &str = "a secret that only the cluster and its fuzzer know";

/// Checks that unsigned bytes are rejected as a token, and that signed claims of any
/// content are accepted or rejected without a panic.
pub fn tokens(bytes: &[u8]) {
    let secret: Secret = SECRET.parse().expect("a valid secret");
    let tokens = Tokens::new(&secret);
    let unsigned = tokens.verify(&String::from_utf8_lossy(bytes));
    assert!(matches!(unsigned, Err(AuthError::Invalid)), "{unsigned:?}");

    let Ok(claims) = serde_json::from_slice::<Claims<Value>>(bytes) else {
        return;
    };
    let key = Hs256Key::new(SECRET.as_bytes());
    if let Ok(signed) = Hs256.token(&Header::empty(), &claims, &key) {
        let _ = tokens.verify(&signed);
    }
}
