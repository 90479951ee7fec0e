//! Commands that wait for one device's reply.

use tokio::sync::oneshot;

use crate::{backplane::ReplyTo, cluster::message::Reply};

/// Who gets the outcome of a command.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// A caller of this node.
    Here(oneshot::Sender<Reply>),
    /// A caller of another node.
    There(ReplyTo),
}

/// The commands of one device; no allocation while there are none.
#[derive(Default)]
pub(crate) struct Waiting(Vec<Entry>);

struct Entry {
    id: u64,
    /// The wheel's second after which nobody waits any more.
    expires: u32,
    waiter: Waiter,
}

impl Waiting {
    /// Adds a command, unless `limit` still wait.
    pub(crate) fn insert(
        &mut self,
        id: u64,
        waiter: Waiter,
        (now, expires): (u32, u32),
        limit: usize,
    ) -> Result<(), Waiter> {
        self.forget_expired(now);
        if self.0.len() >= limit {
            return Err(waiter);
        }
        self.0.push(Entry {
            id,
            expires,
            waiter,
        });
        Ok(())
    }

    /// The waiter of a command; `None` for a late or made-up reply.
    pub(crate) fn remove(&mut self, id: u64) -> Option<Waiter> {
        let at = self.0.iter().position(|entry| entry.id == id)?;
        let entry = self.0.swap_remove(at);
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        Some(entry.waiter)
    }

    /// Every waiter: the socket ended.
    pub(crate) fn take(&mut self) -> Vec<Waiter> {
        std::mem::take(&mut self.0)
            .into_iter()
            .map(|entry| entry.waiter)
            .collect()
    }

    /// Whether a caller may still wait.
    pub(crate) fn any(&mut self, now: u32) -> bool {
        self.forget_expired(now);
        !self.0.is_empty()
    }

    fn forget_expired(&mut self, now: u32) {
        self.0.retain(|entry| match &entry.waiter {
            Waiter::Here(caller) => !caller.is_closed(),
            Waiter::There(_) => entry.expires > now,
        });
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote() -> Waiter {
        Waiter::There(ReplyTo {
            node: "n".parse().unwrap(),
            correlation: 1,
        })
    }

    #[test]
    fn full_of_expired_ones_is_not_full() {
        let mut waiting = Waiting::default();
        waiting.insert(1, remote(), (0, 5), 1).unwrap();
        assert!(waiting.insert(2, remote(), (4, 9), 1).is_err());
        waiting.insert(3, remote(), (5, 9), 1).unwrap();
        assert!(waiting.remove(1).is_none());
        assert!(waiting.remove(3).is_some());
    }

    #[test]
    fn a_caller_that_went_away_makes_room() {
        let mut waiting = Waiting::default();
        let (caller, answer) = oneshot::channel();
        waiting
            .insert(1, Waiter::Here(caller), (0, 100), 1)
            .unwrap();
        drop(answer);
        assert!(!waiting.any(0));
    }
}
