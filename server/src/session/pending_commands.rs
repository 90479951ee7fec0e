//! Commands that wait for one device's reply.

use tokio::sync::oneshot;

use crate::{backplane::ReplyTo, message::CommandReply};

/// Who gets the outcome of a command.
#[derive(Debug)]
pub(crate) enum CommandReplyTo {
    /// A caller of this node.
    Local(oneshot::Sender<CommandReply>),
    /// A caller of another node.
    Remote(ReplyTo),
}

/// The commands of one device; no allocation while there are none.
#[derive(Default)]
pub(crate) struct PendingCommands(Vec<PendingCommand>);

struct PendingCommand {
    id: u64,
    /// The wheel's second after which nobody waits any more.
    expires: u32,
    reply_to: CommandReplyTo,
}

impl PendingCommands {
    /// Adds a command, unless `limit` still wait.
    pub(crate) fn insert(
        &mut self,
        id: u64,
        reply_to: CommandReplyTo,
        (now, expires): (u32, u32),
        limit: usize,
    ) -> Result<(), CommandReplyTo> {
        self.remove_expired(now);
        if self.0.len() >= limit {
            return Err(reply_to);
        }
        self.0.push(PendingCommand {
            id,
            expires,
            reply_to,
        });
        Ok(())
    }

    /// The waiter of a command; `None` for a late or made-up reply.
    pub(crate) fn remove(&mut self, id: u64) -> Option<CommandReplyTo> {
        let at = self.0.iter().position(|entry| entry.id == id)?;
        let entry = self.0.swap_remove(at);
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        Some(entry.reply_to)
    }

    /// Every waiter: the socket ended.
    pub(crate) fn drain(&mut self) -> Vec<CommandReplyTo> {
        std::mem::take(&mut self.0)
            .into_iter()
            .map(|entry| entry.reply_to)
            .collect()
    }

    /// Whether a caller may still wait.
    pub(crate) fn has_pending(&mut self, now: u32) -> bool {
        self.remove_expired(now);
        !self.0.is_empty()
    }

    fn remove_expired(&mut self, now: u32) {
        self.0.retain(|entry| match &entry.reply_to {
            CommandReplyTo::Local(caller) => !caller.is_closed(),
            CommandReplyTo::Remote(_) => entry.expires > now,
        });
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote() -> CommandReplyTo {
        CommandReplyTo::Remote(ReplyTo {
            node: "n".parse().unwrap(),
            correlation: 1,
        })
    }

    #[test]
    fn full_of_expired_ones_is_not_full() {
        let mut waiting = PendingCommands::default();
        waiting.insert(1, remote(), (0, 5), 1).unwrap();
        assert!(waiting.insert(2, remote(), (4, 9), 1).is_err());
        waiting.insert(3, remote(), (5, 9), 1).unwrap();
        assert!(waiting.remove(1).is_none());
        assert!(waiting.remove(3).is_some());
    }

    #[test]
    fn a_caller_that_went_away_makes_room() {
        let mut waiting = PendingCommands::default();
        let (caller, answer) = oneshot::channel();
        waiting
            .insert(1, CommandReplyTo::Local(caller), (0, 100), 1)
            .unwrap();
        drop(answer);
        assert!(!waiting.has_pending(0));
    }
}
