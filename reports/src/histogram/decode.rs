//! Decoding of histograms from files, which may be damaged or hostile.
//!
//! The crate's own decoder accepts a length of up to 4 GiB and inflates without a limit. This
//! module checks both first.

use std::io::Read;

use flate2::read::ZlibDecoder;
use hdrhistogram::serialization::Deserializer;

use super::LatencyHistogram;

/// Most bytes of an inflated histogram. One that uses every bucket up to an hour has a fifth
/// of it.
const LIMIT: usize = 1 << 20;
/// Length of the header of the V2 encoding: cookie, payload length, offset, digits
/// (4 bytes each), lowest, highest, ratio (8 each).
const HEADER: usize = 40;
/// First word of a deflated V2 encoding; the length follows.
const DEFLATE_COOKIE: u32 = 0x1c84_9314;
/// Number of consecutive 0xff bytes that encode a count of minus 2^63, which the crate
/// cannot decode. No real count comes near.
const OVERFLOW_RUN: usize = 9;
/// Most durations of one histogram. Thousands of such histograms can be merged before a count
/// overflows.
const MAX_COUNT: u64 = 1 << 48;
/// Significant digits of every latency.
const DIGITS: u32 = 3;

/// An error of decoding a histogram.
#[derive(Debug, thiserror::Error)]
pub enum InvalidHistogram {
    /// The bytes are shorter than the header or the payload.
    #[error("invalid histogram: truncated to {0} bytes")]
    Truncated(usize),
    /// The histogram would take too much memory.
    #[error("invalid histogram: longer than {LIMIT} bytes")]
    TooLarge,
    /// The histogram has another precision.
    #[error("invalid histogram: {0} significant digits, expected {DIGITS}")]
    Digits(u32),
    /// A count is impossibly large.
    #[error("invalid histogram: a count is too large")]
    CountOverflow,
    /// The bytes are not deflated, although the header declares it.
    #[error("cannot inflate a histogram: {0}")]
    Inflate(std::io::Error),
    /// The crate's decoder failed.
    #[error("invalid histogram: {0}")]
    Encoding(String),
}

/// A decoder of histograms that keeps its buffers between them.
#[derive(Default)]
pub struct HistogramReader {
    deserializer: Deserializer,
    inflated: Vec<u8>,
}

impl HistogramReader {
    /// Decodes a histogram in the V2 encoding, plain or deflated.
    ///
    /// # Errors
    /// [`InvalidHistogram`] when the bytes are no histogram of this precision.
    pub fn read(&mut self, bytes: &[u8]) -> Result<LatencyHistogram, InvalidHistogram> {
        // The format has a plain and a deflated encoding, and other tools may write either.
        let plain = if word(bytes, 0)? == DEFLATE_COOKIE {
            self.inflate(bytes)?;
            &self.inflated
        } else {
            bytes
        };
        check(plain)?;
        let mut histogram: LatencyHistogram = self
            .deserializer
            .deserialize(&mut &*plain)
            .map_err(|error| InvalidHistogram::Encoding(error.to_string()))?;
        // The crate's sum of all counts saturates, so an overflow is caught here too.
        if histogram.len() > MAX_COUNT {
            return Err(InvalidHistogram::CountOverflow);
        }
        histogram.auto(true);
        Ok(histogram)
    }

    fn inflate(&mut self, bytes: &[u8]) -> Result<(), InvalidHistogram> {
        let deflated = bytes
            .get(8..)
            .ok_or(InvalidHistogram::Truncated(bytes.len()))?;
        self.inflated.clear();
        let read = ZlibDecoder::new(deflated)
            // One byte more than allowed shows that the limit was exceeded.
            .take(LIMIT as u64 + 1)
            .read_to_end(&mut self.inflated)
            .map_err(InvalidHistogram::Inflate)?;
        if read > LIMIT {
            return Err(InvalidHistogram::TooLarge);
        }
        Ok(())
    }
}

/// Checks the header against the bytes.
fn check(plain: &[u8]) -> Result<(), InvalidHistogram> {
    let payload = word(plain, 4)? as usize;
    let held = plain.len().checked_sub(HEADER);
    if held.is_none_or(|held| payload > held) {
        return Err(InvalidHistogram::Truncated(plain.len()));
    }
    if plain.len() > LIMIT {
        return Err(InvalidHistogram::TooLarge);
    }
    if longest_run(&plain[HEADER..], 0xff) >= OVERFLOW_RUN {
        return Err(InvalidHistogram::CountOverflow);
    }
    match word(plain, 12)? {
        DIGITS => Ok(()),
        digits => Err(InvalidHistogram::Digits(digits)),
    }
}

/// Returns the length of the longest run of a byte.
fn longest_run(bytes: &[u8], byte: u8) -> usize {
    let (longest, _) = bytes.iter().fold((0, 0), |(longest, run), found| {
        let run = if *found == byte { run + 1 } else { 0 };
        (run.max(longest), run)
    });
    longest
}

fn word(bytes: &[u8], at: usize) -> Result<u32, InvalidHistogram> {
    let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
    word.map(|word| u32::from_be_bytes(*word))
        .ok_or(InvalidHistogram::Truncated(bytes.len()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hdrhistogram::serialization::{Serializer, V2DeflateSerializer, V2Serializer};

    use super::*;
    use crate::histogram::{latency_histogram, record};

    fn sample() -> LatencyHistogram {
        let mut histogram = latency_histogram();
        for step in 1..2_000 {
            record(&mut histogram, Duration::from_micros(step * step));
        }
        histogram
    }

    fn plain() -> Vec<u8> {
        serialized(&sample())
    }

    fn serialized(histogram: &LatencyHistogram) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut serializer = V2Serializer::new();
        serializer.serialize(histogram, &mut bytes).unwrap();
        bytes
    }

    fn error_of(bytes: &[u8]) -> InvalidHistogram {
        HistogramReader::default().read(bytes).unwrap_err()
    }

    #[test]
    fn both_encodings_are_decoded() {
        let mut reader = HistogramReader::default();
        assert_eq!(reader.read(&plain()).unwrap(), sample());
        let mut deflated = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&sample(), &mut deflated)
            .unwrap();
        assert_eq!(reader.read(&deflated).unwrap(), sample());
    }

    #[test]
    fn length_beyond_the_bytes_is_rejected() {
        let mut bytes = plain();
        bytes[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
        let error = error_of(&bytes);
        assert!(matches!(error, InvalidHistogram::Truncated(_)), "{error}");
        for cut in 0..HEADER {
            error_of(&bytes[..cut]);
        }
    }

    #[test]
    fn inflation_beyond_the_limit_is_rejected() {
        let mut bomb = DEFLATE_COOKIE.to_be_bytes().to_vec();
        bomb.extend(u32::MAX.to_be_bytes());
        let mut writer = flate2::write::ZlibEncoder::new(bomb, flate2::Compression::fast());
        std::io::Write::write_all(&mut writer, &vec![0; 64 << 20]).unwrap();
        let error = error_of(&writer.finish().unwrap());
        assert!(matches!(error, InvalidHistogram::TooLarge), "{error}");
    }

    #[test]
    fn impossibly_large_count_is_rejected() {
        let mut bytes = plain();
        bytes[HEADER + 3..HEADER + 3 + OVERFLOW_RUN].fill(0xff);
        let error = error_of(&bytes);
        assert!(matches!(error, InvalidHistogram::CountOverflow), "{error}");
    }

    #[test]
    fn sum_of_counts_beyond_the_limit_is_rejected() {
        let mut histogram = sample();
        for micros in [1, 1_000_000] {
            histogram.record_n(micros, u64::MAX / 2 - 5_000).unwrap();
        }
        let error = error_of(&serialized(&histogram));
        assert!(matches!(error, InvalidHistogram::CountOverflow), "{error}");
    }

    #[test]
    fn other_precision_is_rejected() {
        let mut bytes = plain();
        bytes[12..16].copy_from_slice(&5_u32.to_be_bytes());
        let error = error_of(&bytes);
        assert!(matches!(error, InvalidHistogram::Digits(5)), "{error}");
    }
}
