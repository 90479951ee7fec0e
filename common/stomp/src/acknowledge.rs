//! Acknowledgements, which each version names differently.

use crate::{
    command::Command, frame::Frame, header, invalid_header::InvalidHeader, version::Version,
};

/// The meaning of an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AckMode {
    /// A message is handled once it is sent.
    #[default]
    Auto,
    /// An ACK is for a message and all before it in its subscription.
    Client,
    /// An ACK is for one message.
    ClientIndividual,
}

/// The message that an ACK or a NACK is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AckId<'a> {
    /// The `ack` header of the message in 1.2, otherwise its `message-id`.
    pub message: &'a str,
    /// The subscription; `None` in 1.2, and in 1.0 where it is optional.
    pub subscription: Option<&'a str>,
}

impl AckMode {
    /// Parses the header of a SUBSCRIBE; without one the mode is `auto`.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] for another text.
    pub fn parse(text: Option<&str>) -> Result<Self, InvalidHeader> {
        match text {
            None | Some("auto") => Ok(Self::Auto),
            Some("client") => Ok(Self::Client),
            Some("client-individual") => Ok(Self::ClientIndividual),
            Some(other) => Err(InvalidHeader::new(
                header::ACK,
                other,
                "auto, client or client-individual",
            )),
        }
    }

    /// Returns the name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Client => "client",
            Self::ClientIndividual => "client-individual",
        }
    }
}

impl<'a> AckId<'a> {
    /// Reads an ACK or a NACK.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] if the header that names the message is missing.
    pub fn from_frame(frame: &'a Frame, version: Version) -> Result<Self, InvalidHeader> {
        let (name, expected) = match version {
            Version::V1_2 => (header::ID, "the ack header of a message"),
            _ => (header::MESSAGE_ID, "the message-id of a message"),
        };
        let message = frame.get(name);
        let message = message.ok_or_else(|| InvalidHeader::missing(name, expected))?;
        let subscription = match version {
            Version::V1_2 => None,
            _ => frame.get(header::SUBSCRIPTION),
        };
        if version == Version::V1_1 && subscription.is_none() {
            let expected = "the id of the message's subscription";
            return Err(InvalidHeader::missing(header::SUBSCRIPTION, expected));
        }
        Ok(Self {
            message,
            subscription,
        })
    }

    /// Returns the id by which a client acknowledges a MESSAGE.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] if the message has none.
    pub fn of_message(message: &'a Frame, version: Version) -> Result<Self, InvalidHeader> {
        let name = match version {
            Version::V1_2 => header::ACK,
            _ => header::MESSAGE_ID,
        };
        let id = message.get(name);
        Ok(Self {
            message: id.ok_or_else(|| InvalidHeader::missing(name, "the id of a message"))?,
            subscription: match version {
                Version::V1_2 => None,
                _ => message.get(header::SUBSCRIPTION),
            },
        })
    }

    /// Returns an ACK or a NACK with this id.
    pub fn to_frame(self, command: Command, version: Version) -> Frame {
        let name = match version {
            Version::V1_2 => header::ID,
            _ => header::MESSAGE_ID,
        };
        let mut frame = Frame::new(command).with(name, self.message);
        if let Some(subscription) = self.subscription {
            frame.headers.set(header::SUBSCRIPTION, subscription);
        }
        frame
    }
}
