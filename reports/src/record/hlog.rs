//! Lines of `latency.hlog`, the HdrHistogram interval log.
//!
//! Values are whole microseconds, the column of maxima is in milliseconds, and
//! times are seconds on the run's clock, whose zero is the header's `BaseTime`.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use hdrhistogram::serialization::{
    Serializer, V2DeflateSerializer,
    interval_log::{IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, Tag},
};

use crate::histogram::{HistogramReader, LatencyHistogram};

/// Microseconds in the millisecond of the column of maxima.
const MAX_VALUE_DIVISOR: f64 = 1000.0;

/// One line of the log.
#[derive(Debug, Clone)]
pub(crate) struct HlogLine {
    /// Name of the latency.
    pub(crate) tag: String,
    /// Start in seconds on the run's clock.
    pub(crate) at_s: f64,
    /// Length in seconds.
    pub(crate) length_s: f64,
    /// Durations.
    pub(crate) histogram: LatencyHistogram,
}

/// An encoder of lines that keeps the compressor's buffers between them.
#[derive(Default)]
pub(crate) struct HlogEncoder {
    serializer: V2DeflateSerializer,
    bytes: Vec<u8>,
}

/// A decoder of lines.
#[derive(Default)]
pub(crate) struct HlogDecoder {
    reader: HistogramReader,
}

/// Returns the header of a log whose clock starts at `started_at`.
pub(crate) fn header(started_at: DateTime<Utc>) -> Result<Vec<u8>, String> {
    let mut head = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.3]")
        .add_comment("values in microseconds, maxima in milliseconds")
        .with_start_time(started_at.into())
        .with_base_time(started_at.into())
        .with_max_value_divisor(MAX_VALUE_DIVISOR)
        .begin_log_with(&mut head, &mut serializer)
        .map_err(|error| error.to_string())?;
    Ok(head)
}

impl HlogEncoder {
    /// Encodes one line with its line feed.
    pub(crate) fn line(
        &mut self,
        tag: &str,
        at_s: f64,
        length_s: f64,
        histogram: &LatencyHistogram,
    ) -> Result<String, String> {
        // A comma or a blank in the tag would shift the columns of the line.
        let tag = Tag::new(tag).ok_or_else(|| format!("`{tag}` is not a valid tag"))?;
        self.bytes.clear();
        self.serializer
            .serialize(histogram, &mut self.bytes)
            .map_err(|error| error.to_string())?;
        // The library's log writer borrows its output and its serializer, so no struct can hold
        // it beside them.
        Ok(format!(
            "Tag={},{at_s:.3},{length_s:.3},{:.3},{}\n",
            tag.as_str(),
            histogram.max() as f64 / MAX_VALUE_DIVISOR,
            STANDARD.encode(&self.bytes)
        ))
    }
}

impl HlogDecoder {
    /// Decodes one line; `Ok(None)` for comments and headers.
    pub(crate) fn line(&mut self, text: &[u8]) -> Result<Option<HlogLine>, String> {
        let entry = match IntervalLogIterator::new(text).next() {
            None => return Ok(None),
            Some(Err(error)) => return Err(format!("{error:?}")),
            Some(Ok(LogEntry::StartTime(_) | LogEntry::BaseTime(_))) => return Ok(None),
            Some(Ok(LogEntry::Interval(entry))) => entry,
        };
        let bytes = STANDARD
            .decode(entry.encoded_histogram())
            .map_err(|error| error.to_string())?;
        let histogram = self.reader.read(&bytes);
        let tag = entry.tag().map(|tag| tag.as_str().to_owned());
        Ok(Some(HlogLine {
            tag: tag.unwrap_or_default(),
            at_s: entry.start_timestamp().as_secs_f64(),
            length_s: entry.duration().as_secs_f64(),
            histogram: histogram.map_err(|error| error.to_string())?,
        }))
    }
}
