//! `subscribe` of a pool: the subscriptions of its sessions of STOMP.

use crate::{
    plan::{self, StompAck},
    value::{stomp_text, word},
};

section! {
    /// A subscription of each socket, in the dialect `stomp`, as
    /// `subscribe = [{ destination = "/topic/room-{n}" }]` in `[[devices]]`. A socket counts as
    /// open when the server has confirmed all of them. Its messages count as
    /// `frames.received`.
    pub(crate) struct SubscriptionSection = "[[devices.subscribe]]";

    /// The destination. Placeholders are those of the target's `ws`.
    pub(crate) destination: String = stomp_text(), required;

    /// The acknowledgement of its messages, as in `[target.stomp]`.
    pub(crate) ack: StompAck = word(), default "auto";
}

impl SubscriptionSection {
    pub(crate) fn resolve(&self) -> Option<plan::StompSubscription> {
        Some(plan::StompSubscription {
            destination: self.destination.value.clone()?,
            ack: self.ack.value?,
        })
    }
}
