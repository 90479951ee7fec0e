//! The cluster secret: the proof that a process belongs to the cluster.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use ring::hmac;
use subtle::ConstantTimeEq;

/// Shorter secrets can be guessed from one recorded proof.
const MIN_BYTES: usize = 16;
const MAX_BYTES: usize = 4096;

/// The bytes of a proof: an HMAC with SHA-256.
pub(crate) const PROOF_BYTES: usize = 32;

/// A secret that all processes of a cluster share. Logs never show it.
#[derive(Clone)]
pub struct ClusterSecret(Arc<hmac::Key>);

/// The reason why a cluster secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClusterSecretError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The secret is too short to be safe, or too long.
    #[error("invalid cluster secret of {found} bytes: expected {MIN_BYTES} to {MAX_BYTES}")]
    Length {
        /// The bytes found, without the line's end.
        found: usize,
    },
}

/// The subject of a proof. A proof of one subject is not valid for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProofSubject {
    /// A peer proves itself to the embedded broker.
    Peer,
    /// The embedded broker proves itself to a peer.
    Broker,
    /// A member signs the membership table.
    MembershipTable,
}

impl ClusterSecret {
    /// Reads a file. Line ends at its end are not part of the secret.
    ///
    /// # Errors
    /// [`ClusterSecretError`].
    pub fn from_file(path: &Path) -> Result<Self, ClusterSecretError> {
        let bytes = fs::read(path).map_err(|source| ClusterSecretError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::from_bytes(&bytes)
    }

    /// Takes these bytes without line ends at their end.
    ///
    /// # Errors
    /// [`ClusterSecretError::Length`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ClusterSecretError> {
        // Editors and `echo` end a file with a line end.
        let end = bytes
            .iter()
            .rposition(|byte| !matches!(byte, b'\n' | b'\r'));
        let secret = &bytes[..end.map_or(0, |last| last + 1)];
        if !(MIN_BYTES..=MAX_BYTES).contains(&secret.len()) {
            return Err(ClusterSecretError::Length {
                found: secret.len(),
            });
        }
        Ok(Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret))))
    }

    /// Returns the proof for these parts.
    pub(crate) fn prove(&self, subject: ProofSubject, parts: &[&[u8]]) -> [u8; PROOF_BYTES] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(subject.label());
        for part in parts {
            // The length first: no two lists of parts have the same bytes.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut proof = [0; PROOF_BYTES];
        proof.copy_from_slice(context.sign().as_ref());
        proof
    }

    /// Whether `proof` is the one for these parts. Takes as long for a wrong one.
    pub(crate) fn verify(&self, subject: ProofSubject, parts: &[&[u8]], proof: &[u8]) -> bool {
        self.prove(subject, parts).ct_eq(proof).into()
    }
}

impl FromStr for ClusterSecret {
    type Err = ClusterSecretError;

    fn from_str(text: &str) -> Result<Self, ClusterSecretError> {
        Self::from_bytes(text.as_bytes())
    }
}

// Written by hand, so that no log shows the key.
impl fmt::Debug for ClusterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClusterSecret(…)")
    }
}

impl ProofSubject {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Peer => b"highwater peer\0",
            Self::Broker => b"highwater broker\0",
            Self::MembershipTable => b"highwater membership table\0",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> ClusterSecret {
        text.parse().unwrap()
    }

    #[test]
    fn proof_depends_on_secret_subject_and_each_part() {
        let own = secret("0123456789abcdef\r\n");
        let proof = own.prove(ProofSubject::Peer, &[b"ab", b"c"]);
        let same = secret("0123456789abcdef");
        assert!(same.verify(ProofSubject::Peer, &[b"ab", b"c"], &proof));
        let other = secret("0123456789abcdeF");
        assert!(!other.verify(ProofSubject::Peer, &[b"ab", b"c"], &proof));
        assert!(!own.verify(ProofSubject::Broker, &[b"ab", b"c"], &proof));
        assert!(!own.verify(ProofSubject::Peer, &[b"a", b"bc"], &proof));
        assert!(!own.verify(ProofSubject::Peer, &[b"ab", b"c"], &proof[..31]));
        assert!(!own.verify(ProofSubject::Peer, &[b"ab", b"c"], &[]));
    }

    #[test]
    fn short_secret_is_rejected_and_none_is_shown() {
        let error = "short\n".parse::<ClusterSecret>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid cluster secret of 5 bytes: expected 16 to 4096"
        );
        assert_eq!(
            format!("{:?}", secret("0123456789abcdef")),
            "ClusterSecret(…)"
        );
    }
}
