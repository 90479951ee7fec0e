//! The links of all open sockets, by the loads that use them.

use std::sync::Arc;

use highwater_scenarios::{Plan, frames::Correlation};

use super::{device_link::DeviceLink, senders::Senders};
use crate::{keys::DeviceKey, worker::frames::PoolProtocol};

/// The open sockets that messages and commands can use, by load.
#[derive(Default)]
pub struct DeviceLinks {
    /// The sockets of each message load, with the number of its pool.
    messages: Box<[(usize, Senders)]>,
    /// The sockets of each command load; `None` for a load that needs the id of a device only.
    commands: Box<[Option<Senders>]>,
}

impl DeviceLinks {
    /// Creates the empty sets of a plan's loads. `protocols` are those of its pools.
    pub fn new(plan: &Plan, protocols: &[Option<PoolProtocol>]) -> Self {
        let messages = plan.messages.iter().enumerate().map(|(load, messages)| {
            // A valid plan has the pool; without it the set stays empty.
            let pool = messages.pool_index(&plan.devices).unwrap_or(usize::MAX);
            let protocol = protocols.get(pool).and_then(Option::as_ref);
            let exchange = protocol.and_then(|protocol| protocol.exchange(load));
            let answers = exchange.and_then(|exchange| exchange.answers.as_ref());
            let in_order = answers.is_some_and(|it| it.correlation == Correlation::InOrder);
            (pool, Senders::new(in_order))
        });
        let commands = plan.commands.iter().map(|load| {
            let needs_link = load.pool.is_some() || load.is_own_request();
            needs_link.then(|| Senders::new(false))
        });
        Self {
            messages: messages.collect(),
            commands: commands.collect(),
        }
    }

    /// Returns the sockets that a message load can use.
    pub fn of_messages(&self, load: usize) -> Option<&Senders> {
        self.messages.get(load).map(|(_, senders)| senders)
    }

    /// Returns the sockets that a command load can use; `None` where any device will do.
    pub fn of_commands(&self, load: usize) -> Option<&Senders> {
        self.commands.get(load)?.as_ref()
    }

    /// Whether a command load sends to any open device.
    pub fn has_load_for_any_device(&self) -> bool {
        self.commands.iter().any(Option::is_none)
    }

    /// Adds a socket that has opened, with the values that its device took. Returns its link;
    /// `None` where no load uses it.
    pub fn open(
        &self,
        plan: &Plan,
        device: DeviceKey,
        taken: impl FnOnce() -> Box<[Option<Box<str>>]>,
    ) -> Option<Arc<DeviceLink>> {
        let mut senders = self.senders_of(plan, device).peekable();
        senders.peek()?;
        let link = Arc::new(DeviceLink::new(device, taken()));
        senders.for_each(|senders| senders.add(&link));
        Some(link)
    }

    /// Removes a socket that ends.
    pub fn close(&self, plan: &Plan, link: &DeviceLink) {
        self.senders_of(plan, link.device)
            .for_each(|senders| senders.remove(link));
    }

    /// Yields the sets that the socket of a device belongs to.
    fn senders_of<'l>(
        &'l self,
        plan: &'l Plan,
        device: DeviceKey,
    ) -> impl Iterator<Item = &'l Senders> {
        let pool = device.pool as usize;
        let name = plan.devices.get(pool).map_or("", |pool| pool.name.as_str());
        let messages = self.messages.iter().filter(move |(of, _)| *of == pool);
        let commands = plan.commands.iter().zip(&self.commands);
        let commands = commands.filter(move |(load, _)| load.is_for(name));
        messages
            .map(|(_, senders)| senders)
            .chain(commands.filter_map(|(_, senders)| senders.as_ref()))
    }
}
