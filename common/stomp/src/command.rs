//! The commands of frames.

use std::fmt;

/// The first line of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Opens a session; of a client, in every version.
    Connect,
    /// Opens a session; of a client, since 1.1.
    Stomp,
    /// Sends a message to a destination.
    Send,
    /// Asks for the messages of a destination.
    Subscribe,
    /// Ends a subscription.
    Unsubscribe,
    /// Acknowledges a message.
    Ack,
    /// Rejects a message; since 1.1.
    Nack,
    /// Begins a transaction.
    Begin,
    /// Carries out the frames of a transaction.
    Commit,
    /// Drops the frames of a transaction.
    Abort,
    /// Ends a session in order.
    Disconnect,
    /// Answers [`Command::Connect`]; of a server.
    Connected,
    /// Delivers a message; of a server.
    Message,
    /// Says that a frame was handled; of a server.
    Receipt,
    /// Says why the server ends the session.
    Error,
}

/// Every command, with its name on the wire.
const COMMANDS: [(Command, &str); 15] = [
    (Command::Connect, "CONNECT"),
    (Command::Stomp, "STOMP"),
    (Command::Send, "SEND"),
    (Command::Subscribe, "SUBSCRIBE"),
    (Command::Unsubscribe, "UNSUBSCRIBE"),
    (Command::Ack, "ACK"),
    (Command::Nack, "NACK"),
    (Command::Begin, "BEGIN"),
    (Command::Commit, "COMMIT"),
    (Command::Abort, "ABORT"),
    (Command::Disconnect, "DISCONNECT"),
    (Command::Connected, "CONNECTED"),
    (Command::Message, "MESSAGE"),
    (Command::Receipt, "RECEIPT"),
    (Command::Error, "ERROR"),
];

impl Command {
    /// Returns every command.
    pub fn all() -> impl Iterator<Item = Self> {
        COMMANDS.iter().map(|(command, _)| *command)
    }

    /// Returns the command with this name, which is in capitals.
    pub fn from_name(name: &str) -> Option<Self> {
        let entry = COMMANDS.iter().find(|(_, known)| *known == name);
        entry.map(|(command, _)| *command)
    }

    /// Returns the name on the wire.
    pub fn name(self) -> &'static str {
        // The order of the table is that of the enum; a test holds it.
        COMMANDS[self as usize].1
    }

    /// Whether a frame with this command may have a body.
    pub fn has_body(self) -> bool {
        matches!(self, Self::Send | Self::Message | Self::Error)
    }

    /// Whether the headers of this command are escaped. The two frames that open a session
    /// are not, because 1.0 reads them too.
    pub(crate) fn is_escaped(self) -> bool {
        !matches!(self, Self::Connect | Self::Connected)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_is_found_by_its_name() {
        for (index, (command, name)) in COMMANDS.iter().enumerate() {
            assert_eq!(*command as usize, index);
            assert_eq!(command.name(), *name);
            assert_eq!(Command::from_name(name), Some(*command));
        }
        assert_eq!(Command::from_name("send"), None);
    }
}
