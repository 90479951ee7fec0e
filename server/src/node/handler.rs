//! The node's handling of device frames and of the end of a device socket.

use std::sync::Arc;

use super::Node;
use crate::{
    cluster::{fail_pending, publish_from_device, remove_session, send_reply},
    id::Topic,
    message::CommandReply,
    net::ws::{close::CloseReason, decode::AllowedMessages},
    session::{
        Session, SessionContext,
        connection::answer_heartbeat,
        frame::{FromDevice, InvalidFrame, parse, pong},
        handler::SessionHandler,
        subscription::TopicSubscription,
    },
};

impl SessionHandler for Node {
    const MESSAGES: AllowedMessages = AllowedMessages::Text;

    fn sessions(&self) -> &SessionContext {
        &self.sessions
    }

    fn max_message_bytes(&self) -> usize {
        self.sessions.limits.device_message_bytes
    }

    fn handle_text(&self, session: &Arc<Session>, text: &str) -> Result<(), CloseReason> {
        let frame = parse(text).map_err(|invalid| match invalid {
            InvalidFrame::Malformed => CloseReason::BadPayload,
            InvalidFrame::InvalidName => CloseReason::Policy,
        })?;
        match frame {
            FromDevice::Ping => answer_heartbeat(&self.sessions, session, pong)?,
            FromDevice::Reply { id, body } => reply(self, session, id, body),
            FromDevice::Subscribe(topic) => {
                check_topic_rate(self, session)?;
                subscribe(self, session, topic)?;
            }
            FromDevice::Unsubscribe(topic) => {
                check_topic_rate(self, session)?;
                unsubscribe(self, session, &topic);
            }
            FromDevice::Telemetry { id, body } => self.intake.submit(session, id, body),
            FromDevice::Publish { topic, id, body } => {
                publish_from_device(&self.cluster, session, &topic, id.as_deref(), body);
            }
        }
        Ok(())
    }

    fn handle_closing(&self, session: &Arc<Session>, reason: CloseReason) {
        fail_pending(&self.cluster, session, reason);
    }

    fn handle_closed(&self, session: &Arc<Session>, reason: CloseReason) {
        // Before the socket is counted as closed: a node without sockets announces its
        // leave, and no caller may wait for it then.
        remove_session(&self.cluster, session, reason);
        self.sessions.metrics.socket_closed(reason);
        self.release_socket(session);
    }
}

fn reply(node: &Node, session: &Session, id: u64, body: String) {
    // A late or invented reply has no caller.
    if let Some(reply_to) = session.take_reply_to(id) {
        let owner = node.cluster.me.clone();
        send_reply(
            &node.cluster,
            reply_to,
            CommandReply::Replied { owner, body },
        );
    }
}

/// Bounds changes of topics: the first and the last subscriber of a topic cost a message
/// to the other nodes.
fn check_topic_rate(node: &Node, session: &Session) -> Result<(), CloseReason> {
    let limit = node.sessions.limits.topic_changes_per_s;
    match session.allow_topic_change(node.sessions.wheel.now(), limit) {
        true => Ok(()),
        false => Err(CloseReason::Policy),
    }
}

fn subscribe(node: &Node, session: &Arc<Session>, topic: Topic) -> Result<(), CloseReason> {
    if topic.is_reserved() {
        return Err(CloseReason::Policy);
    }
    match session.may_subscribe(&topic, node.sessions.limits.topics_per_device) {
        Ok(true) => {
            let slot = node.cluster.topics.subscribe(&topic, session);
            session.add_subscription(TopicSubscription { topic, slot });
            Ok(())
        }
        Ok(false) => Ok(()),
        Err(()) => Err(CloseReason::Policy),
    }
}

fn unsubscribe(node: &Node, session: &Session, topic: &Topic) {
    if let Some(slot) = session.remove_subscription(topic) {
        node.cluster.topics.unsubscribe(topic, slot);
    }
}
