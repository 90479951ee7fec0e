//! The device that a command is sent to.

use std::sync::Arc;

use rand::{SeedableRng, rngs::SmallRng};
use tokio::sync::oneshot;

use crate::{
    keys::DeviceKey,
    worker::{
        context::Context,
        links::{AwaitedReply, DeviceLink, LinkItem, senders::PickedSender},
    },
};

/// A random connected device, and what its socket has to do with the command.
#[derive(Debug)]
pub struct Recipient {
    /// The device.
    pub device: DeviceKey,
    /// The device's socket, where the command needs more of it than that it is open.
    link: Option<Arc<DeviceLink>>,
    /// Resolves when the reply comes as a frame.
    reply: Option<oneshot::Receiver<()>>,
}

impl Recipient {
    /// Picks a device for a command of load number `load`; `None` where none is connected. A
    /// socket that brings the reply looks out for `nonce` from now on.
    pub fn pick(context: &Context, load: usize, nonce: u64) -> Option<Self> {
        let Some(senders) = context.links.of_commands(load) else {
            let mut rng = SmallRng::from_rng(&mut rand::rng());
            let (device, ()) = context.connected_devices.pick_random(&mut rng)?;
            return Some(Self {
                device,
                link: None,
                reply: None,
            });
        };
        let in_frame = context.plan.commands[load].reply.frame().is_some();
        loop {
            let PickedSender::Socket(link) = senders.pick() else {
                return None;
            };
            let reply = match in_frame {
                true => await_reply(&link, load, nonce).map(Some),
                false => Some(None),
            };
            // A socket that ended meanwhile is among the senders no more.
            let Some(reply) = reply else {
                continue;
            };
            return Some(Self {
                device: link.device,
                link: Some(link),
                reply,
            });
        }
    }

    /// Returns the values that the device took from answers.
    pub fn taken(&self) -> &[Option<Box<str>>] {
        self.link.as_ref().map_or(&[], |link| &link.taken)
    }

    /// Waits for the reply where it comes as a frame. Returns `false` if the socket ends first.
    pub async fn reply_arrived(&mut self) -> bool {
        match self.reply.take() {
            Some(reply) => reply.await.is_ok(),
            None => true,
        }
    }
}

/// Asks a socket to look out for a reply; `None` if the socket has ended.
fn await_reply(link: &DeviceLink, load: usize, nonce: u64) -> Option<oneshot::Receiver<()>> {
    let (arrived, receiver) = oneshot::channel();
    let reply = AwaitedReply {
        load,
        nonce,
        arrived,
    };
    link.push(LinkItem::Reply(reply)).ok()?;
    Some(receiver)
}
