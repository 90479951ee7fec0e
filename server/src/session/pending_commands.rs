//! The commands that wait for the reply of one device.

use tokio::sync::oneshot;

use crate::{backplane::ReplyTo, message::CommandReply};

/// The place where the outcome of a command goes.
#[derive(Debug)]
pub(crate) enum CommandReplyTo {
    /// The caller is on this node.
    Local(oneshot::Sender<CommandReply>),
    /// The caller is on another node.
    Remote(ReplyTo),
}

/// The commands of one device. Without commands there is no allocation.
#[derive(Default)]
pub(crate) struct PendingCommands(Vec<PendingCommand>);

struct PendingCommand {
    id: u64,
    /// The second of the wheel after which the caller has stopped waiting.
    expires: u32,
    reply_to: CommandReplyTo,
}

impl PendingCommands {
    /// Adds a command, unless `limit` commands still wait. Expired ones do not count.
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

    /// Removes a command and returns where its reply goes; `None` for a late or invented
    /// reply.
    pub(crate) fn remove(&mut self, id: u64) -> Option<CommandReplyTo> {
        let at = self.0.iter().position(|entry| entry.id == id)?;
        // Replies may come in any order, so the order of commands does not matter.
        let entry = self.0.swap_remove(at);
        self.free_if_empty();
        Some(entry.reply_to)
    }

    /// Removes all commands and returns where their outcomes go.
    pub(crate) fn drain(&mut self) -> Vec<CommandReplyTo> {
        let pending = std::mem::take(&mut self.0).into_iter();
        pending.map(|entry| entry.reply_to).collect()
    }

    /// Whether a caller may still wait.
    pub(crate) fn has_pending(&mut self, now: u32) -> bool {
        self.remove_expired(now);
        !self.0.is_empty()
    }

    fn remove_expired(&mut self, now: u32) {
        // A local caller drops its receiver when it stops waiting. A remote one cannot be
        // seen, so its deadline counts.
        self.0.retain(|entry| match &entry.reply_to {
            CommandReplyTo::Local(caller) => !caller.is_closed(),
            CommandReplyTo::Remote(_) => entry.expires > now,
        });
        self.free_if_empty();
    }

    fn free_if_empty(&mut self) {
        // `Vec` keeps its memory, and an idle session must not pay for its last command.
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
    fn expired_commands_do_not_count_against_the_limit() {
        let mut pending = PendingCommands::default();
        pending.insert(1, remote(), (0, 5), 1).unwrap();
        assert!(pending.insert(2, remote(), (4, 9), 1).is_err());
        pending.insert(3, remote(), (5, 9), 1).unwrap();
        assert!(pending.remove(1).is_none());
        assert!(pending.remove(3).is_some());
    }

    #[test]
    fn command_of_caller_that_has_gone_is_not_pending() {
        let mut pending = PendingCommands::default();
        let (reply_tx, reply_rx) = oneshot::channel();
        pending
            .insert(1, CommandReplyTo::Local(reply_tx), (0, 100), 1)
            .unwrap();
        drop(reply_rx);
        assert!(!pending.has_pending(0));
    }
}
