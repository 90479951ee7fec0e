//! A line of `intervals.jsonl` in memory. A long run of many processes has a million of
//! them, so they share their names and sources.

use std::{borrow::Cow, collections::HashSet, fmt, sync::Arc};

use highwater_types::format::visible;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use super::{Source, SourceRole};

/// The counters and gauges of one source during one interval: an
/// [`Interval`](super::Interval) read back.
#[derive(Debug, Clone, PartialEq)]
pub struct IntervalRow {
    /// Start of the interval in seconds on the run's clock; the instant of the sample for
    /// a sampled process.
    pub at: f64,
    /// Length in seconds; 0 for a sample taken at an instant.
    pub length: f64,
    /// Process or machine that the row is about.
    pub source: Arc<Source>,
    counters: Box<[(Arc<str>, u64)]>,
    gauges: Box<[(Arc<str>, f64)]>,
}

/// A decoder of lines that shares names and sources between rows.
#[derive(Debug, Default)]
pub(crate) struct IntervalDecoder {
    /// Function from a name of an earlier schema to its present name.
    renamed: Option<fn(&str) -> Option<String>>,
    names: HashSet<Arc<str>>,
    sources: HashSet<Arc<Source>>,
}

impl IntervalRow {
    /// The end in seconds on the run's clock, at which the gauges were taken.
    pub fn end(&self) -> f64 {
        self.at + self.length
    }

    /// The middle in seconds on the run's clock, which decides the phase of the row.
    pub fn middle(&self) -> f64 {
        self.at + self.length / 2.0
    }

    /// Returns a counter; 0 when it is absent.
    pub fn counter(&self, name: &str) -> u64 {
        lookup(&self.counters, name).unwrap_or(0)
    }

    /// Returns all counters, by name.
    pub fn counters(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counters.iter().map(|(name, count)| (&**name, *count))
    }

    /// Returns a gauge; `None` when it was not measured.
    pub fn gauge(&self, name: &str) -> Option<f64> {
        lookup(&self.gauges, name)
    }

    /// Returns all gauges, by name.
    pub fn gauges(&self) -> impl Iterator<Item = (&str, f64)> {
        self.gauges.iter().map(|(name, value)| (&**name, *value))
    }

    /// Returns the counters `NAME.KIND` of a name, by kind.
    pub(crate) fn counter_family<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = (&'a str, u64)> {
        family(self.counters(), name)
    }

    /// Sums the counters `NAME.KIND` of a name over all kinds.
    pub(crate) fn family_total(&self, name: &str) -> u64 {
        self.counter_family(name).map(|(_, count)| count).sum()
    }

    /// Returns the gauges `NAME.KIND` of a name, by kind.
    pub(crate) fn gauge_family<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Iterator<Item = (&'a str, f64)> {
        family(self.gauges(), name)
    }
}

fn family<'a, T>(
    entries: impl Iterator<Item = (&'a str, T)>,
    name: &'a str,
) -> impl Iterator<Item = (&'a str, T)> {
    entries.filter_map(move |(key, value)| {
        let kind = key.strip_prefix(name)?.strip_prefix('.')?;
        Some((kind, value))
    })
}

fn lookup<T: Copy>(entries: &[(Arc<str>, T)], name: &str) -> Option<T> {
    // A row has a few dozen names, for which a linear search is as fast as a map and smaller.
    let entry = entries.iter().find(|(entry, _)| &**entry == name)?;
    Some(entry.1)
}

impl IntervalDecoder {
    /// Creates a decoder of a record with names of an earlier schema.
    pub(crate) fn with_renamed(renamed: fn(&str) -> Option<String>) -> Self {
        Self {
            renamed: Some(renamed),
            ..Self::default()
        }
    }

    /// Decodes one line.
    pub(crate) fn line(&mut self, text: &[u8]) -> Result<IntervalRow, String> {
        let raw: RawInterval = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        Ok(IntervalRow {
            at: raw.at,
            length: raw.length,
            source: self.source(raw.source),
            counters: self.entries(raw.counters),
            gauges: self.entries(raw.gauges),
        })
    }

    fn source(&mut self, source: RawSource) -> Arc<Source> {
        let source = Source::new(source.role, source.id.0);
        // The lookup borrows, so a known source costs no allocation.
        if let Some(known) = self.sources.get(&source) {
            return known.clone();
        }
        let id = visible(&source.id).into_owned();
        let known = Arc::new(Source::new(source.role, id));
        self.sources.insert(known.clone());
        known
    }

    /// Sorts entries by name. A repeated name keeps its last value.
    fn entries<T>(&mut self, entries: Entries<T>) -> Box<[(Arc<str>, T)]> {
        let entries = entries.0.into_iter();
        let mut entries: Vec<_> = entries
            .map(|(name, value)| (self.name(name), value))
            .collect();
        // `dedup_by` keeps the first of equal entries, so the order is reversed around it.
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries.reverse();
        entries.dedup_by(|(a, _), (b, _)| a == b);
        entries.reverse();
        entries.into()
    }

    fn name(&mut self, name: Text) -> Arc<str> {
        let new = self.renamed.and_then(|renamed| renamed(&name.0));
        let name = new.map_or(name.0, Cow::Owned);
        if let Some(known) = self.names.get(&*name) {
            return known.clone();
        }
        let known: Arc<str> = visible(&name).into();
        self.names.insert(known.clone());
        known
    }
}

/// A line as it is written. Texts are borrowed from the line where it has no escapes.
#[derive(Deserialize)]
struct RawInterval<'a> {
    at: f64,
    length: f64,
    #[serde(borrow)]
    source: RawSource<'a>,
    #[serde(borrow, default)]
    counters: Entries<'a, u64>,
    #[serde(borrow, default)]
    gauges: Entries<'a, f64>,
}

#[derive(Deserialize)]
struct RawSource<'a> {
    role: SourceRole,
    #[serde(borrow)]
    id: Text<'a>,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The entries of an object in their order.
struct Entries<'a, T>(Vec<(Text<'a>, T)>);

impl<T> Default for Entries<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Entries<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<'a, T>(Vec<(Text<'a>, T)>);

        impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<'a, T> {
            type Value = Entries<'a, T>;

            fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
                to.write_str("an object of numbers")
            }

            fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
                while let Some(entry) = map.next_entry()? {
                    self.0.push(entry);
                }
                Ok(Entries(self.0))
            }
        }

        deserializer.deserialize_map(EntriesVisitor(Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_share_names_and_sources() {
        let mut decoder = IntervalDecoder::default();
        let text = br#"{"at":1.5,"length":1,"source":{"role":"worker","id":"w\u0031"},
            "counters":{"b":2,"a":1,"b":3},"gauges":{"x":0.5}}"#;
        let first = decoder.line(text).unwrap();
        let second = decoder.line(text).unwrap();
        assert_eq!(first, second);
        assert!(Arc::ptr_eq(&first.source, &second.source) && first.source.id == "w1");
        assert!(Arc::ptr_eq(&first.gauges[0].0, &second.gauges[0].0));
        assert_eq!(first.counters().collect::<Vec<_>>(), [("a", 1), ("b", 3)]);
        assert_eq!(
            (first.end(), first.gauge("x"), first.gauge("y")),
            (2.5, Some(0.5), None)
        );
    }

    #[test]
    fn invalid_line_is_rejected() {
        let mut decoder = IntervalDecoder::default();
        for text in [
            "{}",
            r#"{"at":1,"length":1,"source":{"role":"cat","id":"w"}}"#,
            r#"{"at":1,"length":1,"source":{"role":"node","id":"n"},"gauges":{"x":"y"}}"#,
        ] {
            assert!(decoder.line(text.as_bytes()).is_err(), "{text}");
        }
    }
}
