//! The reasons why bytes are not a frame, and why a frame has no bytes.

use thiserror::Error;

use crate::{command::Command, version::Version};

/// A reason why bytes are not a frame. The connection cannot go on after it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The first line is not a command.
    #[error("invalid command {found}: expected a command of STOMP in capitals")]
    Command {
        /// The line, quoted.
        found: String,
    },
    /// Command and headers are too long.
    #[error("frame head too long: expected at most {max} bytes of command and headers")]
    HeadTooLong {
        /// The limit in bytes.
        max: usize,
    },
    /// The frame has too many headers.
    #[error("too many headers: expected at most {max}")]
    TooManyHeaders {
        /// The limit.
        max: usize,
    },
    /// The body is too long.
    #[error("body too long: expected at most {max} bytes")]
    BodyTooLong {
        /// The limit in bytes.
        max: usize,
    },
    /// A header is not a name, a colon and a value.
    #[error("invalid header {found}: expected NAME:VALUE")]
    Header {
        /// The line, quoted.
        found: String,
    },
    /// A header has an escape that the version does not define.
    #[error("invalid escape in header {found}: STOMP {version} defines {}", escapes(*version))]
    Escape {
        /// The line, quoted.
        found: String,
        /// The version of the session.
        version: Version,
    },
    /// A header is not UTF-8.
    #[error("invalid header: expected UTF-8")]
    NotUtf8,
    /// A NUL or a CR stands where it may not.
    #[error(
        "invalid byte {byte:#04x} in command or headers: expected NUL after the body only, CR before LF only"
    )]
    ControlByte {
        /// The byte.
        byte: u8,
    },
    /// The length of the body is not a number.
    #[error("invalid header content-length {found}: expected a number of bytes")]
    ContentLength {
        /// The value, quoted.
        found: String,
    },
    /// A body that has a length does not end there.
    #[error("invalid body: expected NUL after the {length} bytes of content-length")]
    Unterminated {
        /// The `content-length`.
        length: usize,
    },
    /// A body stands in a frame that has none.
    #[error("invalid body of {command}: expected a body in SEND, MESSAGE and ERROR only")]
    UnexpectedBody {
        /// The frame's command.
        command: Command,
    },
}

/// A reason why a frame cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// A header has a character that the version cannot express.
    #[error(
        "cannot write header {name} of {command}: STOMP {version} has no form for {character:?} in it"
    )]
    Header {
        /// The header's name, quoted.
        name: String,
        /// The frame's command.
        command: Command,
        /// The version of the session.
        version: Version,
        /// The character.
        character: char,
    },
    /// A header has an empty name.
    #[error("cannot write a header without a name")]
    NoName,
    /// A body stands in a frame that has none.
    #[error("cannot write a body of {0}: only SEND, MESSAGE and ERROR have one")]
    UnexpectedBody(Command),
}

fn escapes(version: Version) -> &'static str {
    match version {
        Version::V1_0 => "none",
        Version::V1_1 => r"\n, \c and \\",
        Version::V1_2 => r"\r, \n, \c and \\",
    }
}
