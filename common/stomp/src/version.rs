//! The versions of STOMP.

use std::fmt;

use crate::{header, invalid_header::InvalidHeader};

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// Headers without escapes, no heart-beats, no NACK.
    V1_0,
    /// Escapes of LF, `:` and `\`.
    V1_1,
    /// Escapes of CR too; ACK names the message by one id.
    V1_2,
}

impl Version {
    /// Every version, the newest first.
    pub const ALL: [Self; 3] = [Self::V1_2, Self::V1_1, Self::V1_0];

    /// Returns the number, such as `1.2`.
    pub fn number(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }

    /// Returns the WebSocket subprotocol, such as `v12.stomp`.
    pub fn subprotocol(self) -> &'static str {
        match self {
            Self::V1_0 => "v10.stomp",
            Self::V1_1 => "v11.stomp",
            Self::V1_2 => "v12.stomp",
        }
    }

    /// Returns the version of a number.
    pub fn from_number(number: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.number() == number)
    }

    /// Returns the version of a subprotocol, in any case.
    pub fn from_subprotocol(name: &str) -> Option<Self> {
        let matches = |v: &Self| v.subprotocol().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(matches)
    }

    /// Returns the versions of an `accept-version`, the newest first. Unknown numbers are
    /// skipped. Without the header, a client speaks 1.0.
    pub fn accepted(accept_version: Option<&str>) -> Vec<Self> {
        let Some(list) = accept_version else {
            return vec![Self::V1_0];
        };
        let listed = |v: &Self| list.split(',').any(|number| number.trim() == v.number());
        Self::ALL.into_iter().filter(listed).collect()
    }

    /// Chooses the newest version that the client accepts and the server supports.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] if there is none.
    pub fn negotiate(
        accept_version: Option<&str>,
        supported: &[Self],
    ) -> Result<Self, InvalidHeader> {
        let accepted = Self::accepted(accept_version);
        let common = accepted.into_iter().find(|v| supported.contains(v));
        common.ok_or_else(|| {
            let found = accept_version.unwrap_or("1.0");
            InvalidHeader::new(header::ACCEPT_VERSION, found, &list(supported))
        })
    }

    /// Returns the versions as a list for `accept-version`, the oldest first.
    pub fn list(versions: &[Self]) -> String {
        let mut versions = versions.to_vec();
        versions.sort_unstable();
        let numbers: Vec<_> = versions.iter().map(|version| version.number()).collect();
        numbers.join(",")
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.number())
    }
}

/// Returns what a header must contain one of.
fn list(supported: &[Version]) -> String {
    format!("one of {}", Version::list(supported))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_common_version_is_chosen() {
        let negotiate = |text, supported: &[Version]| Version::negotiate(text, supported).ok();
        assert_eq!(
            negotiate(Some("1.0,1.1,1.2,2.0"), &Version::ALL),
            Some(Version::V1_2)
        );
        assert_eq!(
            negotiate(Some("1.2, 1.1"), &[Version::V1_1, Version::V1_0]),
            Some(Version::V1_1)
        );
        assert_eq!(negotiate(None, &Version::ALL), Some(Version::V1_0));
        assert_eq!(negotiate(None, &[Version::V1_2]), None);
        assert_eq!(negotiate(Some("2.0"), &Version::ALL), None);
        assert_eq!(negotiate(Some(""), &Version::ALL), None);
    }

    #[test]
    fn refused_versions_name_those_supported() {
        let refused = Version::negotiate(Some("3\n"), &Version::ALL).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "invalid header accept-version \"3\\n\": expected one of 1.0,1.1,1.2"
        );
    }

    #[test]
    fn subprotocol_names_a_version() {
        for version in Version::ALL {
            assert_eq!(
                Version::from_subprotocol(version.subprotocol()),
                Some(version)
            );
            assert_eq!(Version::from_number(version.number()), Some(version));
        }
        assert_eq!(Version::from_subprotocol("mqtt"), None);
    }
}
