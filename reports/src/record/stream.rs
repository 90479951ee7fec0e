//! The lines of a record one by one, for readers that do not keep them.

use std::{borrow::Cow, ops::ControlFlow, path::Path};

use highwater_types::format::visible;
use serde_json::Value;

use super::{
    IntervalRow, Manifest, RecordError, TimedEvent,
    files::{EVENTS, INTERVALS, LATENCY},
    hlog::{HlogDecoder, HlogLine},
    interval_row::IntervalDecoder,
    lines, schema1,
    texts::escape_texts,
};

/// A record whose lines are decoded in the order of its files, with the names of schema 2.
///
/// Torn last lines, invalid lines and missing files are left out, and named in `problems`.
pub(crate) struct RecordStream<'d> {
    dir: &'d Path,
    is_schema1: bool,
}

impl<'d> RecordStream<'d> {
    /// Creates the stream of the record in `dir`, which has this manifest.
    pub(crate) fn new(dir: &'d Path, manifest: &Manifest) -> Self {
        Self {
            dir,
            is_schema1: manifest.schema == schema1::SCHEMA,
        }
    }

    /// Reads all events. A run has few of them.
    pub(crate) fn events(
        &self,
        problems: &mut Vec<String>,
    ) -> Result<Vec<TimedEvent>, RecordError> {
        let mut events = Vec::new();
        lines::for_each_line(self.dir, EVENTS, problems, |line| {
            events.push(match self.is_schema1 {
                true => schema1::event(line)?,
                false => event(line).map_err(|error| error.to_string())?,
            });
            Ok(())
        })?;
        Ok(events)
    }

    /// Calls `each` with every row of counters and gauges until it breaks.
    pub(crate) fn intervals(
        &self,
        problems: &mut Vec<String>,
        mut each: impl FnMut(IntervalRow) -> ControlFlow<()>,
    ) -> Result<(), RecordError> {
        let mut decoder = match self.is_schema1 {
            true => IntervalDecoder::with_renamed(schema1::renamed),
            false => IntervalDecoder::default(),
        };
        lines::for_each_line_until(self.dir, INTERVALS, problems, |line| {
            Ok(each(decoder.line(line)?))
        })
    }

    /// Calls `each` with every histogram until it breaks. A histogram that `each` rejects is left
    /// out like an invalid line.
    pub(crate) fn latencies(
        &self,
        problems: &mut Vec<String>,
        mut each: impl FnMut(HlogLine) -> Result<ControlFlow<()>, String>,
    ) -> Result<(), RecordError> {
        let mut decoder = HlogDecoder::default();
        lines::for_each_line_until(self.dir, LATENCY, problems, |line| {
            let Some(mut line) = decoder.line(line)? else {
                return Ok(ControlFlow::Continue(()));
            };
            if self.is_schema1
                && let Some(tag) = schema1::renamed(&line.tag)
            {
                line.tag = tag;
            }
            if let Cow::Owned(escaped) = visible(&line.tag) {
                line.tag = escaped;
            }
            each(line)
        })
    }
}

fn event(line: &[u8]) -> serde_json::Result<TimedEvent> {
    let mut value: Value = serde_json::from_slice(line)?;
    escape_texts(&mut value);
    serde_json::from_value(value)
}
