//! ACK and NACK.

use highwater_stomp::{AckId, AckMode, Command, Frame, InvalidHeader, Version, header};

use super::{
    error::StompError, handler::StompHandler, state::StompInner, subscription::UnackedMessage,
};

impl StompHandler {
    /// Settles messages, or notes the frame in its transaction.
    pub(super) fn acknowledge(&self, frame: &Frame) -> Result<(), StompError> {
        match frame.get(header::TRANSACTION) {
            Some(transaction) => self.add_to_transaction(transaction, frame),
            None => self.settle(frame),
        }
    }

    /// Settles the messages that an ACK or a NACK is about.
    pub(super) fn settle(&self, frame: &Frame) -> Result<(), StompError> {
        let settled = {
            let mut inner = self.state.lock();
            let id = AckId::from_frame(frame, inner.version)?;
            take_unacked(&mut inner, id)?
        };
        for message in settled {
            match frame.command {
                Command::Nack => message.delivery.reject(),
                _ => message.delivery.ack(),
            }
        }
        Ok(())
    }
}

/// Takes the messages that an acknowledgement is about: one, or in mode `client` all of the
/// subscription up to it.
fn take_unacked(inner: &mut StompInner, id: AckId<'_>) -> Result<Vec<UnackedMessage>, StompError> {
    // Messages of topics and of the mode `auto`: nothing waits for their acknowledgement.
    if id.message.strip_prefix('n').is_some_and(is_number) {
        return Ok(Vec::new());
    }
    let unknown = || {
        let name = match inner.version {
            Version::V1_2 => header::ID,
            _ => header::MESSAGE_ID,
        };
        InvalidHeader::new(
            name,
            id.message,
            "the id of a message that is not acknowledged",
        )
    };
    let number = id
        .message
        .strip_prefix('q')
        .filter(|digits| is_number(digits));
    let number: Option<u64> = number.and_then(|digits| digits.parse().ok());
    let found = inner
        .unacked
        .iter()
        .find(|message| Some(message.number) == number);
    let key = found.ok_or_else(unknown)?.key;
    let subscription = inner.subscription(key).ok_or_else(unknown)?;
    // 1.1 names the subscription too.
    if id
        .subscription
        .is_some_and(|named| *named != *subscription.id)
    {
        return Err(unknown().into());
    }
    let is_cumulative = subscription.ack == AckMode::Client;
    let is_meant = |message: &mut UnackedMessage| {
        message.key == key
            && match is_cumulative {
                true => Some(message.number) <= number,
                false => Some(message.number) == number,
            }
    };
    Ok(inner.unacked.extract_if(.., is_meant).collect())
}

fn is_number(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}
