//! `stomp` of a target: what opens a session.

use crate::{
    plan::{self, StompAck},
    value::{stomp_text, word},
};

section! {
    /// The CONNECT frame of every socket, in the dialect `stomp`. Placeholders are those of
    /// `ws`.
    pub(crate) struct TargetStompSection = "[target.stomp]";

    /// The virtual host. RabbitMQ's default is `/`; other servers ignore it.
    pub(crate) host: String = stomp_text(), default "/";

    /// The user's name. Without it none is sent.
    pub(crate) login: String = stomp_text(), optional;

    /// The user's password or token: `${NAME}`, or a column of the pool's data. Records show
    /// `***` in place of other text.
    pub(crate) passcode: String = stomp_text(), optional;

    /// The acknowledgement of messages to the topics of `[[publish]]`. `auto`: none. `client`:
    /// each message, and with it all before it. `client-individual`: each message by itself.
    pub(crate) ack: StompAck = word(), default "auto";
}

impl TargetStompSection {
    pub(crate) fn resolve(&self) -> Option<plan::StompSpec> {
        Some(plan::StompSpec {
            host: self.host.value.clone()?,
            login: self.login.value.clone(),
            passcode: self.passcode.value.clone(),
            ack: self.ack.value?,
        })
    }
}
