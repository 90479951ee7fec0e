//! The open transactions of a session.

use highwater_stomp::{Frame, InvalidHeader, header};

use super::error::StompError;
use crate::limits::StompLimits;

/// The longest name of a transaction.
const MAX_NAME_BYTES: usize = 128;

/// The open transactions of a session.
#[derive(Default)]
pub(super) struct Transactions {
    open: Vec<Transaction>,
    frames: usize,
    bytes: usize,
}

struct Transaction {
    name: Box<str>,
    frames: Vec<Frame>,
}

impl Transactions {
    pub(super) fn begin(&mut self, name: &str, limits: &StompLimits) -> Result<(), StompError> {
        if name.len() > MAX_NAME_BYTES {
            let length = name.len();
            return Err(StompError::limit(format!(
                "invalid header transaction of {length} bytes: expected at most {MAX_NAME_BYTES}"
            )));
        }
        if self.open.iter().any(|other| *other.name == *name) {
            let expected = "a name that no open transaction has";
            return Err(InvalidHeader::new(header::TRANSACTION, name, expected).into());
        }
        if self.open.len() >= limits.transactions {
            let max = limits.transactions;
            return Err(StompError::limit(format!(
                "more than {max} open transactions"
            )));
        }
        self.open.push(Transaction {
            name: name.into(),
            frames: Vec::new(),
        });
        Ok(())
    }

    pub(super) fn add(
        &mut self,
        name: &str,
        frame: &Frame,
        limits: &StompLimits,
    ) -> Result<(), StompError> {
        let bytes = size(frame);
        if self.frames + 1 > limits.transaction_frames {
            let max = limits.transaction_frames;
            return Err(StompError::limit(format!(
                "more than {max} frames in open transactions"
            )));
        }
        if self.bytes + bytes > limits.transaction_bytes {
            let max = limits.transaction_bytes;
            return Err(StompError::limit(format!(
                "more than {max} bytes in open transactions"
            )));
        }
        let transaction = self.open.iter_mut().find(|open| *open.name == *name);
        let transaction = transaction.ok_or_else(|| unknown(name))?;
        transaction.frames.push(frame.clone());
        self.frames += 1;
        self.bytes += bytes;
        Ok(())
    }

    pub(super) fn take(&mut self, name: &str) -> Result<Vec<Frame>, StompError> {
        let at = self.open.iter().position(|open| *open.name == *name);
        let frames = self.open.remove(at.ok_or_else(|| unknown(name))?).frames;
        self.frames -= frames.len();
        self.bytes -= frames.iter().map(size).sum::<usize>();
        Ok(frames)
    }
}

fn unknown(name: &str) -> StompError {
    let expected = "the name of an open transaction";
    InvalidHeader::new(header::TRANSACTION, name, expected).into()
}

fn size(frame: &Frame) -> usize {
    let headers = frame.headers.iter();
    let headers: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
    headers + frame.body.len()
}

#[cfg(test)]
mod tests {
    use highwater_stomp::Command;

    use super::*;

    fn limits() -> StompLimits {
        StompLimits {
            transactions: 2,
            transaction_frames: 3,
            transaction_bytes: 20,
            ..StompLimits::default()
        }
    }

    fn send(body: &'static str) -> Frame {
        let mut frame = Frame::new(Command::Send);
        frame.body = body.into();
        frame
    }

    #[test]
    fn frames_are_kept_until_their_transaction_ends() {
        let (mut transactions, limits) = (Transactions::default(), limits());
        transactions.begin("a", &limits).unwrap();
        transactions.begin("b", &limits).unwrap();
        for (name, body) in [("a", "1"), ("b", "2"), ("a", "3")] {
            transactions.add(name, &send(body), &limits).unwrap();
        }
        assert_eq!(transactions.take("a").unwrap(), [send("1"), send("3")]);
        assert!(transactions.take("a").is_err());
        assert!(transactions.add("a", &send("4"), &limits).is_err());
        assert_eq!((transactions.frames, transactions.bytes), (1, 1));
    }

    #[test]
    fn transactions_are_bounded() {
        let (mut transactions, limits) = (Transactions::default(), limits());
        transactions.begin("a", &limits).unwrap();
        assert!(transactions.begin("a", &limits).is_err(), "twice");
        transactions.begin("b", &limits).unwrap();
        let third = transactions.begin("c", &limits).unwrap_err();
        assert_eq!(third.to_string(), "more than 2 open transactions");
        let long = send("123456789012345678901");
        let bytes = transactions.add("a", &long, &limits).unwrap_err();
        assert_eq!(bytes.to_string(), "more than 20 bytes in open transactions");
        for _ in 0..3 {
            transactions.add("a", &send("1"), &limits).unwrap();
        }
        let frames = transactions.add("b", &send("1"), &limits).unwrap_err();
        assert_eq!(
            frames.to_string(),
            "more than 3 frames in open transactions"
        );
    }
}
