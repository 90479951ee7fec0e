//! The two frames that open a session.

use std::fmt;

use crate::{
    command::Command, frame::Frame, header, heart_beat::HeartBeat, invalid_header::InvalidHeader,
    version::Version,
};

/// A client's CONNECT or STOMP.
#[derive(Clone, PartialEq, Eq)]
pub struct Connect {
    /// The versions that the client accepts.
    pub versions: Vec<Version>,
    /// The virtual host.
    pub host: Option<String>,
    /// The user name.
    pub login: Option<String>,
    /// The password or token.
    pub passcode: Option<String>,
    /// The heart-beats of the client.
    pub heart_beat: HeartBeat,
}

/// A server's CONNECTED.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// The version of the session.
    pub version: Version,
    /// The name of the session.
    pub session: Option<String>,
    /// The name of the server.
    pub server: Option<String>,
    /// The heart-beats of the server.
    pub heart_beat: HeartBeat,
}

impl Connect {
    /// Reads a frame.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] if the versions are unknown or the heart-beats invalid.
    pub fn from_frame(frame: &Frame) -> Result<Self, InvalidHeader> {
        let accept_version = frame.get(header::ACCEPT_VERSION);
        // Fails if the server knows none of them.
        Version::negotiate(accept_version, &Version::ALL)?;
        let owned = |name| frame.get(name).map(str::to_owned);
        Ok(Self {
            versions: Version::accepted(accept_version),
            host: owned(header::HOST),
            login: owned(header::LOGIN),
            passcode: owned(header::PASSCODE),
            heart_beat: HeartBeat::parse(frame.get(header::HEART_BEAT))?,
        })
    }

    /// Returns the frame. It is a CONNECT, which servers of every version read.
    pub fn to_frame(&self) -> Frame {
        let versions = Version::list(&self.versions);
        let mut frame = Frame::new(Command::Connect).with(header::ACCEPT_VERSION, &versions);
        let optional = [
            (header::HOST, &self.host),
            (header::LOGIN, &self.login),
            (header::PASSCODE, &self.passcode),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                frame.headers.set(name, value);
            }
        }
        frame.with(header::HEART_BEAT, &self.heart_beat.to_string())
    }
}

impl fmt::Debug for Connect {
    /// Writes the frame, which hides the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_frame().headers.fmt(f)
    }
}

impl Connected {
    /// Reads a frame. A server of 1.0 names no version.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] if the version is unknown or the heart-beats invalid.
    pub fn from_frame(frame: &Frame) -> Result<Self, InvalidHeader> {
        let version = match frame.get(header::VERSION) {
            None => Version::V1_0,
            Some(number) => Version::from_number(number)
                .ok_or_else(|| InvalidHeader::new(header::VERSION, number, "one of 1.0,1.1,1.2"))?,
        };
        let owned = |name| frame.get(name).map(str::to_owned);
        Ok(Self {
            version,
            session: owned(header::SESSION),
            server: owned(header::SERVER),
            heart_beat: HeartBeat::parse(frame.get(header::HEART_BEAT))?,
        })
    }

    /// Returns the frame.
    pub fn to_frame(&self) -> Frame {
        let version = self.version.number();
        let mut frame = Frame::new(Command::Connected).with(header::VERSION, version);
        let optional = [
            (header::SESSION, &self.session),
            (header::SERVER, &self.server),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                frame.headers.set(name, value);
            }
        }
        frame.with(header::HEART_BEAT, &self.heart_beat.to_string())
    }
}
