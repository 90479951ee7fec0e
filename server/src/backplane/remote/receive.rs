//! The handling of received frames.

use futures_util::FutureExt;

use super::{
    InboundFrame, Transport,
    disconnect_reason::{DisconnectReason, with_timeout},
    frame::{FrameBody, FrameHeader},
    membership::Membership,
};
use crate::backplane::{Backplane, Inbound, MessageKind, envelope::decode_frame, is_valid_version};

impl<C: Transport> Membership<'_, C> {
    /// Handles a frame: records the sign of life and returns the message for the node, if
    /// it is one.
    pub(super) async fn handle_frame(
        &self,
        frame: InboundFrame,
    ) -> Result<Option<Inbound>, DisconnectReason> {
        // Before each frame: after a pause, the frames that waited may be meant for an
        // entry that this node no longer has.
        self.lease.check()?;
        let (topic, frame) = match frame {
            InboundFrame::Topic(topic, frame) => (Some(topic), frame),
            InboundFrame::Inbox(frame) | InboundFrame::Everyone(frame) => (None, frame),
        };
        let Some((header, payload)) = decode_frame::<FrameHeader>(&frame) else {
            tracing::warn!(bytes = frame.len(), "cannot decode a frame; dropped it");
            return Ok(None);
        };
        self.wait_for_table(header.generation).await?;
        if !self.record_sender(&header) {
            return Ok(None);
        }
        let FrameHeader { from, body, .. } = header;
        let (kind, inbound) = match (body, topic) {
            (FrameBody::Unicast(envelope), None) => {
                let inbound = self.endpoint.handle_unicast(from, envelope, payload);
                (MessageKind::Unicast, inbound)
            }
            // Brokers deliver a node's own publications to it as well.
            (FrameBody::Published, Some(topic)) if from != *self.own_id() => (
                MessageKind::Topic,
                Some(Inbound::Published { topic, payload }),
            ),
            _ => (MessageKind::Control, None),
        };
        self.endpoint.traffic.count_received(kind, frame.len());
        Ok(inbound)
    }

    /// Waits for the view in which the sender has this generation.
    ///
    /// No frame may be handled before it: a device that is registered under the sender's
    /// former entry would be removed together with that entry.
    async fn wait_for_table(&self, generation: u64) -> Result<(), DisconnectReason> {
        let is_known = generation <= self.table.current().version();
        if is_known || !is_valid_version(generation) {
            return Ok(());
        }
        self.table.note_version(generation);
        let mut views = self.endpoint.view();
        let applied = views.wait_for(|view| view.version >= generation);
        let applied = applied.map(|_| Ok(()));
        Ok(with_timeout("load the membership table", applied).await?)
    }

    /// Records a sign of life and returns whether the sender is a member in this
    /// generation.
    fn record_sender(&self, header: &FrameHeader) -> bool {
        let FrameHeader {
            from,
            generation,
            body,
        } = header;
        if !self.table.current().is_member(from, *generation) {
            return false;
        }
        // Any frame counts, so a busy member is alive even if its heartbeats are late.
        self.record_heartbeat(from, *generation);
        if let FrameBody::Heartbeat { version, sent_us } = body {
            self.table.note_version(*version);
            self.record_echo(from, *generation, *sent_us);
        }
        true
    }
}
