//! A string that no log and no record shows.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A string that may be a secret. It is serialised for the control link only; its `Debug`
/// form hides it from logs, panics and records.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretString(String);

impl SecretString {
    /// Returns 64 random hexadecimal digits: twice the 32 bytes that nodes demand of a secret.
    pub(crate) fn random() -> Self {
        let [first, second] = rand::random::<[u128; 2]>();
        Self(format!("{first:032x}{second:032x}"))
    }

    /// Returns the string, to be sent to the system that it is meant for.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Derived `Debug` forms of all types that hold a secret end up here.
        f.write_str("SecretString(…)")
    }
}
