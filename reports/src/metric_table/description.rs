//! The description of a metric.

/// The description of a counter, a gauge or a latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordMetric {
    /// Name, without the kind that may follow it.
    pub(crate) name: &'static str,
    /// Meaning of its values over time.
    pub(crate) kind: SeriesKind,
    /// Unit of a value.
    pub(crate) unit: RecordUnit,
    /// Name of the part that follows in `NAME.PART`: `kind`, `node`. `None` for a name that
    /// stands alone.
    pub(crate) label: Option<&'static str>,
    /// Meaning, in a phrase.
    pub(crate) about: &'static str,
}

/// The meaning of a metric's values over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeriesKind {
    /// Number of things that happened during the interval.
    Count,
    /// Value at an instant.
    Gauge,
    /// Total since the process started. It falls when the process restarts.
    Total,
    /// Durations, by their percentiles.
    Latency,
}

/// The unit of a metric of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordUnit {
    /// A number of things.
    Count,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
}

impl RecordUnit {
    /// Returns the unit as tables write it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Bytes => "bytes",
            Self::Seconds => "s",
            Self::Millis => "ms",
            Self::Micros => "us",
        }
    }
}

/// Describes a metric whose name stands alone.
pub(super) const fn alone(
    name: &'static str,
    kind: SeriesKind,
    unit: RecordUnit,
    about: &'static str,
) -> RecordMetric {
    RecordMetric {
        name,
        kind,
        unit,
        label: None,
        about,
    }
}

/// Describes a metric whose name goes on with a kind, a node or an operation.
pub(super) const fn by(
    label: &'static str,
    name: &'static str,
    kind: SeriesKind,
    unit: RecordUnit,
    about: &'static str,
) -> RecordMetric {
    RecordMetric {
        label: Some(label),
        ..alone(name, kind, unit, about)
    }
}
