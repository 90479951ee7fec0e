//! The handling of received frames.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::{
    InboundFrame, Transport,
    disconnect_reason::{DisconnectReason, with_timeout},
    frame::{FrameBody, FrameHeader},
    membership::Membership,
};
use crate::{
    backplane::{Backplane, Inbound, MessageKind, envelope::decode_frame},
    clock::is_plausible_raise,
};

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
            // Any program may publish at the broker, so an unknown frame ends no connection.
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
            (FrameBody::Published, Some(topic)) if from != self.inbox.node => (
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
        if is_known || !is_plausible_raise(generation) {
            return Ok(());
        }
        self.table.note_version(generation);
        let mut views = self.endpoint.view();
        let applied = views.wait_for(|view| view.version >= generation);
        Ok(with_timeout("load the membership table", applied.map(|_| Ok(()))).await?)
    }

    /// Records a sign of life and returns whether the sender is a member in this
    /// generation.
    fn record_sender(&self, header: &FrameHeader) -> bool {
        let (from, generation) = (&header.from, header.generation);
        if self.table.current().entry_of(from, generation).is_none() {
            return false;
        }
        let mut detector = self.failure_detector.lock();
        // Any frame counts, so a busy member is alive even if its heartbeats are late.
        detector.record_heartbeat(from, generation, Instant::now());
        if let FrameBody::Heartbeat { version, sent_us } = header.body {
            self.table.note_version(version);
            // Only a heartbeat of this connection: the clock of an earlier one began earlier.
            if *from == self.inbox.node && generation == self.generation {
                detector.record_own_echo(self.started + Duration::from_micros(sent_us));
            }
        }
        true
    }
}
