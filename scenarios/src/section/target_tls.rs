//! `tls` of a target: the certificates that clients trust.

use crate::{
    plan::CertificateTrust,
    value::{boolean, file_path},
};

section! {
    /// The verification of certificates. Sessions are never resumed: each socket is a device
    /// of its own and pays for a whole handshake.
    pub(crate) struct TargetTlsSection = "[target.tls]";

    /// PEM file of the only authorities that are trusted. Without it those of the worker's
    /// machine are, or Mozilla's where it has none.
    pub(crate) ca: String = file_path(), optional;

    /// Whether certificates are verified. With `false` any certificate is taken, and the
    /// report says so.
    pub(crate) verify: bool = boolean(), default "true";
}

impl TargetTlsSection {
    pub(crate) fn resolve(self) -> Option<CertificateTrust> {
        Some(match (self.ca.value, self.verify.value?) {
            // A rule reports an authority that nothing is verified against.
            (Some(file), _) => CertificateTrust::Authorities { file },
            (None, true) => CertificateTrust::Machine,
            (None, false) => CertificateTrust::Anybody,
        })
    }
}
