//! The decoder of length-prefixed frames.
//!
//! The buffer of a frame grows with the bytes that have arrived, and not by the length that
//! the peer announces. A broker also bounds the unfinished frames of all its peers together.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use bytes::{Buf, BytesMut};
use tokio_util::codec::Decoder;

use crate::backplane::MAX_PAYLOAD_BYTES;

/// The bytes that a header or an envelope may add to a payload.
const HEADROOM_BYTES: usize = 1024;

/// The longest frame.
pub(super) const MAX_FRAME_BYTES: usize = MAX_PAYLOAD_BYTES + 4 * HEADROOM_BYTES;

/// The longest frame of a handshake. The peer may be anybody until it has proved otherwise.
const MAX_HANDSHAKE_BYTES: usize = 16 * 1024;

/// The bytes of the length before each frame.
const LENGTH_BYTES: usize = 4;

/// The bytes that a buffer has room for when it is empty.
const MIN_BUFFER_BYTES: usize = 8 * 1024;

/// A buffer that has grown beyond this is released after its frame.
const MAX_IDLE_BUFFER_BYTES: usize = 64 * 1024;

/// The bytes of the unfinished frames of all connections together.
#[derive(Debug)]
pub(crate) struct PartialFrames {
    max_bytes: usize,
    held_bytes: AtomicUsize,
    /// The connections that ended because their frame found no room.
    rejected: AtomicU64,
}

/// A decoder of one connection's frames.
#[derive(Debug)]
pub(crate) struct FrameDecoder {
    max_frame_bytes: usize,
    /// The bytes of the unfinished frame, as counted in `partial_frames`.
    held_bytes: usize,
    partial_frames: Option<Arc<PartialFrames>>,
}

impl PartialFrames {
    /// Creates a bound that nothing uses yet.
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            held_bytes: AtomicUsize::new(0),
            rejected: AtomicU64::new(0),
        }
    }

    /// Returns the bytes that unfinished frames hold now.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held_bytes.load(Relaxed)
    }

    /// Returns the number of connections so far whose frame found no room.
    pub(crate) fn rejected(&self) -> u64 {
        self.rejected.load(Relaxed)
    }

    /// Replaces the count of one connection, if the sum stays within the bound.
    fn try_replace(&self, before: usize, after: usize) -> bool {
        let replaced = self.held_bytes.fetch_update(Relaxed, Relaxed, |held| {
            let held = held - before + after;
            // A connection may always give bytes back.
            (held <= self.max_bytes || after <= before).then_some(held)
        });
        replaced.is_ok()
    }
}

impl FrameDecoder {
    /// Creates the decoder of a peer's end. Until [`FrameDecoder::accept_peer`], it takes
    /// frames of a handshake only.
    pub(crate) fn of_peer() -> Self {
        Self {
            max_frame_bytes: MAX_HANDSHAKE_BYTES,
            held_bytes: 0,
            partial_frames: None,
        }
    }

    /// Creates the decoder of the broker's end, which counts unfinished frames.
    pub(crate) fn of_broker(partial_frames: Arc<PartialFrames>) -> Self {
        let mut decoder = Self::of_peer();
        decoder.partial_frames = Some(partial_frames);
        decoder
    }

    /// Allows frames of full length.
    pub(crate) fn accept_peer(&mut self) {
        self.max_frame_bytes = MAX_FRAME_BYTES;
    }

    /// Counts the bytes of an unfinished frame.
    fn hold(&mut self, bytes: usize) -> io::Result<()> {
        if let Some(partial_frames) = &self.partial_frames
            && bytes != self.held_bytes
        {
            if !partial_frames.try_replace(self.held_bytes, bytes) {
                partial_frames.rejected.fetch_add(1, Relaxed);
                let max = partial_frames.max_bytes;
                let full = format!("unfinished frames fill their {max} bytes");
                return Err(io::Error::new(io::ErrorKind::OutOfMemory, full));
            }
            self.held_bytes = bytes;
        }
        Ok(())
    }
}

impl Decoder for FrameDecoder {
    type Item = BytesMut;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<BytesMut>> {
        let Some(length) = buffer.first_chunk::<LENGTH_BYTES>() else {
            if buffer.is_empty() && buffer.capacity() > MAX_IDLE_BUFFER_BYTES {
                *buffer = BytesMut::with_capacity(MIN_BUFFER_BYTES);
            }
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length > self.max_frame_bytes {
            let max = self.max_frame_bytes;
            let too_long = format!("invalid frame of {length} bytes: expected at most {max}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, too_long));
        }
        let missing = (LENGTH_BYTES + length).saturating_sub(buffer.len());
        if missing > 0 {
            self.hold(buffer.len())?;
            // At most doubled, so that each byte of room follows a byte that has arrived.
            buffer.reserve(missing.min(buffer.len().max(MIN_BUFFER_BYTES)));
            return Ok(None);
        }
        self.hold(0)?;
        buffer.advance(LENGTH_BYTES);
        Ok(Some(buffer.split_to(length)))
    }
}

impl Drop for FrameDecoder {
    fn drop(&mut self) {
        // Fewer bytes than before always fit.
        let _ = self.hold(0);
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;

    use super::*;

    /// Returns the beginning of a frame of `length` bytes, with `sent` of them.
    fn beginning(length: usize, sent: usize) -> BytesMut {
        let mut buffer = BytesMut::new();
        buffer.put_u32(length as u32);
        buffer.put_bytes(7, sent);
        buffer
    }

    fn accepted(partial_frames: &Arc<PartialFrames>) -> FrameDecoder {
        let mut decoder = FrameDecoder::of_broker(Arc::clone(partial_frames));
        decoder.accept_peer();
        decoder
    }

    #[test]
    fn announced_length_reserves_no_memory() {
        let mut decoder = FrameDecoder::of_peer();
        decoder.accept_peer();
        let mut buffer = beginning(MAX_FRAME_BYTES, 0);
        assert!(decoder.decode(&mut buffer).unwrap().is_none());
        assert!(buffer.capacity() <= 2 * MIN_BUFFER_BYTES);
        buffer.put_bytes(7, MAX_FRAME_BYTES);
        assert_eq!(
            decoder.decode(&mut buffer).unwrap().unwrap().len(),
            MAX_FRAME_BYTES
        );
        assert!(decoder.decode(&mut buffer).unwrap().is_none());
        assert!(
            buffer.capacity() <= MAX_IDLE_BUFFER_BYTES,
            "the buffer is released"
        );
    }

    #[test]
    fn unknown_peer_may_send_short_frames_only() {
        let partial_frames = Arc::new(PartialFrames::new(1 << 20));
        let mut decoder = FrameDecoder::of_broker(Arc::clone(&partial_frames));
        let mut buffer = beginning(MAX_HANDSHAKE_BYTES + 1, 0);
        assert!(decoder.decode(&mut buffer.clone()).is_err());
        decoder.accept_peer();
        assert!(decoder.decode(&mut buffer).is_ok());
        assert!(
            decoder
                .decode(&mut beginning(MAX_FRAME_BYTES + 1, 0))
                .is_err()
        );
    }

    #[test]
    fn unfinished_frames_of_all_connections_are_bounded_together() {
        let partial_frames = Arc::new(PartialFrames::new(250));
        let held = || partial_frames.held_bytes();
        let [mut first, mut second, mut third] = [(); 3].map(|()| accepted(&partial_frames));
        let mut buffer = beginning(100, 96);
        assert!(first.decode(&mut buffer).unwrap().is_none());
        assert!(second.decode(&mut beginning(1000, 96)).unwrap().is_none());
        let full = third.decode(&mut beginning(1000, 96)).unwrap_err();
        assert!(full.to_string().contains("250 bytes"), "{full}");
        assert_eq!((held(), partial_frames.rejected()), (200, 1));
        buffer.put_bytes(7, 4);
        assert_eq!(first.decode(&mut buffer).unwrap().unwrap().len(), 100);
        assert_eq!(held(), 100);
        drop(second);
        assert_eq!(held(), 0);
        assert!(third.decode(&mut beginning(1000, 96)).is_ok());
    }
}
