//! Shared secrets: read from a file or the environment, never shown.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Shorter secrets can be guessed from a token; HS256 asks for as many bytes as its
/// hash has (RFC 7518, section 3.2).
const MIN_BYTES: usize = 32;
const MAX_BYTES: usize = 4096;

/// A shared secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// The reason why a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A secret too short to be safe, or too long.
    #[error("a secret of {found} bytes: it must have {MIN_BYTES} to {MAX_BYTES}")]
    Length {
        /// Bytes found, without the line's end.
        found: usize,
    },
}

impl Secret {
    /// Reads a file. Line ends at its end are not part of the secret.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn from_file(path: &Path) -> Result<Self, SecretError> {
        let bytes = fs::read(path).map_err(|source| SecretError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::new(bytes)
    }

    fn new(mut bytes: Vec<u8>) -> Result<Self, SecretError> {
        // Editors and `echo` end a file with a line end.
        while matches!(bytes.last(), Some(b'\n' | b'\r')) {
            bytes.pop();
        }
        if !(MIN_BYTES..=MAX_BYTES).contains(&bytes.len()) {
            let found = bytes.len();
            return Err(SecretError::Length { found });
        }
        Ok(Self(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether `given` is this secret. Takes as long for a wrong one as for the right one.
    pub(crate) fn matches(&self, given: &str) -> bool {
        let pairs = self.0.iter().zip(given.as_bytes());
        // Without a branch per byte: the time must not say how many bytes are right.
        let difference = pairs.fold(0, |sum, (ours, theirs)| sum | (ours ^ theirs));
        self.0.len() == given.len() && difference == 0
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        Self::new(text.as_bytes().to_vec())
    }
}

// By hand, so that no log shows the bytes.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_long_and_compared_in_full() {
        let text = "0123456789abcdef0123456789abcdef";
        let secret: Secret = format!("{text}\r\n").parse().unwrap();
        assert!(secret.matches(text));
        assert!(!secret.matches(&text[1..]) && !secret.matches(&format!("{text}0")));
        assert!(!secret.matches("0123456789abcdef0123456789abcdeF"));
        let error = "short\n".parse::<Secret>().unwrap_err().to_string();
        assert_eq!(error, "a secret of 5 bytes: it must have 32 to 4096");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
