//! The error of a text that is not the address of a broker.

/// The most servers that one address may name.
pub(crate) const MAX_SERVERS: usize = 32;
/// The form of an address of Sentinels.
const SENTINEL_FORM: &str = "redis+sentinel://HOST[:PORT][,HOST[:PORT]]/PRIMARY";

/// An error for a text that is not the address of a broker. It never quotes what may be
/// a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBrokerUrl {
    /// The text has no `://`.
    #[error("no address of a broker")]
    NoScheme,
    /// The part before `://` names no known broker.
    #[error("unknown broker `{0}`")]
    Scheme(String),
    /// The host is missing.
    #[error("an address without a host")]
    NoHost,
    /// The host is neither a name nor an IP address.
    #[error("not a host's name: `{0}`")]
    Host(String),
    /// The path of an address of Sentinels names no primary.
    #[error("an address of Sentinels without the name of a primary: expected {SENTINEL_FORM}")]
    NoPrimary,
    /// The port is not a number in range.
    #[error("not a port from 1 to 65535")]
    Port,
    /// A character must be percent-encoded.
    #[error("an address with `{0}` in it")]
    Character(String),
    /// The address is longer than any real one.
    #[error("an address that is too long")]
    TooLong,
    /// The address names more servers than any real broker has.
    #[error("an address of more than {MAX_SERVERS} servers")]
    TooManyServers,
    /// The address names several servers of a service that has one.
    #[error("an address of several servers, and the service has one")]
    SeveralServers,
    /// One of several servers is invalid.
    #[error("server {number} of the address: {reason}")]
    Server {
        /// The place of the server, from 1.
        number: usize,
        /// The defect of this server.
        reason: Box<InvalidBrokerUrl>,
    },
}

impl InvalidBrokerUrl {
    /// Returns the defect itself, without the place of the server.
    pub fn defect(&self) -> &Self {
        match self {
            Self::Server { reason, .. } => reason,
            defect => defect,
        }
    }
}
