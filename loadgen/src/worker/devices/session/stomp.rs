//! The part of a session that speaks STOMP.

use highwater_scenarios::frames::ReceivedFrame;
use highwater_stomp::{Command, Frame, header};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::{FrameEffect, Session, SocketState};
use crate::{
    keys::LoadItemKey,
    worker::{
        devices::{
            disconnect::{Disconnect, DisconnectKind},
            socket_io::{CLOSE_TIMEOUT, send_close, send_frame},
        },
        observer::{FrameUse, SocketEvent, observe},
        recorder::Timing,
        stomp::{HeartBeatCheck, names, session::error_reason},
    },
};

/// The frame of a heart-beat.
const HEART_BEAT: &str = "\n";

impl Session<'_> {
    /// Takes in a message of the server: its frames, or a heart-beat.
    pub(super) async fn handle_stomp(&mut self, message: &Message) -> FrameEffect {
        let payload = match message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
            _ => return FrameEffect::None,
        };
        let Some(stomp) = self.socket.stomp_mut() else {
            return FrameEffect::None;
        };
        stomp.heart_beats.on_received(Instant::now());
        let frames = match stomp.receive(payload) {
            Ok(Some(frames)) => frames,
            Ok(None) => {
                stomp.heart_beats.on_heart_beat(&self.context.recorder);
                return FrameEffect::None;
            }
            Err(error) => {
                let kind = DisconnectKind::StompProtocol;
                let loss = Disconnect::with_error(kind, error.to_string());
                return FrameEffect::Disconnected(loss);
            }
        };
        self.offer_to_exchanges(message);
        let mut effect = FrameEffect::None;
        for frame in &frames {
            match self.handle_stomp_frame(frame).await {
                FrameEffect::None => {}
                FrameEffect::Rescheduled => effect = FrameEffect::Rescheduled,
                lost => return lost,
            }
        }
        effect
    }

    async fn handle_stomp_frame(&mut self, frame: &Frame) -> FrameEffect {
        match frame.command {
            Command::Message => self.handle_stomp_message(frame).await,
            Command::Receipt => {
                let receipt = frame.get(header::RECEIPT_ID).unwrap_or_default();
                self.handle_receipt(receipt).await
            }
            Command::Error => {
                let reason = error_reason(frame);
                let loss = Disconnect::with_error(DisconnectKind::StompError, reason);
                FrameEffect::Disconnected(loss)
            }
            _ => {
                observe(|| SocketEvent::Used(FrameUse::Unmatched));
                FrameEffect::None
            }
        }
    }

    /// Counts a message, and acknowledges it where its subscription wants that.
    async fn handle_stomp_message(&mut self, frame: &Frame) -> FrameEffect {
        observe(|| SocketEvent::Used(FrameUse::CountedMessage));
        match (&mut self.traffic.topics, str::from_utf8(&frame.body)) {
            (Some(topics), Ok(text)) => topics.on_message(self.context, text),
            _ => self.context.record_message_received(),
        }
        let Some(stomp) = self.socket.stomp_mut() else {
            return FrameEffect::None;
        };
        if let Some(gap) = stomp.message_gap(Instant::now()) {
            self.context.recorder.time(Timing::MessageGap, gap);
        }
        let Some(ack) = stomp.acknowledgement(frame) else {
            return FrameEffect::None;
        };
        match send_frame(&mut self.socket.stream, ack, CLOSE_TIMEOUT).await {
            Ok(()) => FrameEffect::None,
            Err(loss) => FrameEffect::Disconnected(loss),
        }
    }

    async fn handle_receipt(&mut self, receipt: &str) -> FrameEffect {
        if receipt == names::DISCONNECT_RECEIPT && self.state == SocketState::AwaitingReceipt {
            send_close(&mut self.socket.stream, None).await;
            self.state = SocketState::Closing;
            return FrameEffect::None;
        }
        let Some(topics) = &mut self.traffic.topics else {
            return FrameEffect::None;
        };
        if receipt == names::TOPICS_RECEIPT {
            topics.on_confirmed(self.context);
        } else if let Some(key) = LoadItemKey::parse(receipt) {
            topics.on_publish_answer(self.context, key, None);
            // The publisher may send its next message, which fell due meanwhile.
            return FrameEffect::Rescheduled;
        }
        FrameEffect::None
    }

    /// Lets the messages of `[[messages]]` and the replies of commands look for their answers.
    fn offer_to_exchanges(&mut self, message: &Message) {
        let context = self.context;
        let identity = context.socket_identity(self.device.key);
        let (Some(exchanges), Some(frames), Some(identity)) =
            (&mut self.socket.exchanges, &self.socket.frames, identity)
        else {
            return;
        };
        let received = match message {
            Message::Text(text) => ReceivedFrame::from_text(text),
            Message::Binary(bytes) => ReceivedFrame::from_bytes(bytes),
            _ => return,
        };
        let values = frames.values(identity, frames.last_key());
        if exchanges.on_frame(context, &received, &values) {
            observe(|| SocketEvent::Used(FrameUse::ExchangeAnswer));
        }
    }

    /// Sends the heart-beat that is due, and looks whether the server's is overdue.
    pub(super) async fn beat_stomp(&mut self, now: Instant) -> Result<(), Disconnect> {
        let (recorder, max_missed) = (&self.context.recorder, self.pool.max_missed);
        let Some(stomp) = self.socket.stomp_mut() else {
            return Ok(());
        };
        let is_due = stomp.heart_beats.take_due(now, recorder);
        let check = stomp.heart_beats.check(now, max_missed, recorder);
        if check == HeartBeatCheck::TooManyMissed {
            send_close(&mut self.socket.stream, None).await;
            return Err(DisconnectKind::HeartbeatsMissed.into());
        }
        if is_due {
            let message = Message::text(HEART_BEAT);
            send_frame(&mut self.socket.stream, message, self.pool.heartbeat).await?;
        }
        Ok(())
    }

    /// Asks the server to end the session. Its receipt shows that it has handled all frames
    /// before.
    pub(super) async fn disconnect_stomp(&mut self) -> Result<(), Disconnect> {
        let frame =
            Frame::new(Command::Disconnect).with(header::RECEIPT, names::DISCONNECT_RECEIPT);
        let stomp = self.socket.stomp();
        // A DISCONNECT has no character without a form.
        if let Some(message) = stomp.and_then(|stomp| stomp.encode(&frame).ok()) {
            send_frame(&mut self.socket.stream, message, CLOSE_TIMEOUT).await?;
        }
        self.state = SocketState::AwaitingReceipt;
        Ok(())
    }
}
