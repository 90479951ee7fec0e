//! OpenMetrics text with timestamps, from which promtool makes blocks for Prometheus.
//!
//! Samples are sorted by family, as the format requires, and therefore wait in a spool.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    io::{self, Write},
};

use super::{
    format::{ExportFormat, Layout, Output},
    samples::{Sample, SampleSink, SampleValue},
    source::ExportSource,
    spool::{Spool, SpoolEntry},
};
use crate::{
    exposition::{
        Family, FamilyType, QUANTILES, SampleTime, TextFormat, write_end, write_head, write_sample,
    },
    metric_table::{PARTS, SeriesKind},
};

/// The format.
pub(super) const FORMAT: ExportFormat = ExportFormat {
    name: "prometheus",
    about: "OpenMetrics text of the samples, for `promtool tsdb create-blocks-from`",
    extension: "prom",
    has_schema_file: false,
    layout: Layout::Samples(open),
};

/// Name of the family of phases, and the label of its states, which OpenMetrics wants to be the
/// same.
const PHASE: &str = "highwater_run_phase";
/// All phases that a run may be in.
const PHASES: [&str; 3] = ["ramp", "steady", "drain"];

/// Labels of a series, in the order of writing.
type Labels = Vec<(&'static str, String)>;

/// All samples of a run, sorted by family.
struct PrometheusText<'w> {
    out: Output<'w>,
    run: String,
    /// Numbers of families by name, which is the order of writing.
    numbers: BTreeMap<String, usize>,
    families: Vec<FamilySeries>,
    /// Places of series, by the key of a sample.
    places: HashMap<String, SeriesPlace>,
    key: String,
    spool: Spool,
    phases_until_ms: Option<i64>,
}

/// A family and its series.
struct FamilySeries {
    family: Family,
    series: Vec<Series>,
}

struct Series {
    labels: Labels,
    /// Whether values are counts of an interval, which are summed up.
    is_summed: bool,
}

/// A series by the numbers of its family and in it.
#[derive(Debug, Clone, Copy)]
struct SeriesPlace {
    family: usize,
    series: u32,
}

fn open<'w>(out: Output<'w>, source: &ExportSource) -> io::Result<Box<dyn SampleSink + 'w>> {
    Ok(Box::new(PrometheusText {
        out,
        run: source.name(),
        numbers: BTreeMap::new(),
        families: Vec::new(),
        places: HashMap::new(),
        key: String::new(),
        spool: Spool::default(),
        phases_until_ms: None,
    }))
}

impl SampleSink for PrometheusText<'_> {
    fn sample(&mut self, sample: &Sample<'_>) -> io::Result<()> {
        let at_ms = sample.time.utc.timestamp_millis();
        self.phase(at_ms, sample.time.phase)?;
        let (name, part) = match &sample.value {
            SampleValue::Single { name, .. } => (*name, 0),
            SampleValue::Part { latency, part, .. } => (latency.name, *part),
        };
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        let kind: &str = sample.source_kind.into();
        // A text takes whatever is written. No name has a line feed.
        let _ = write!(
            key,
            "{:?}\n{name}\n{kind}\n{}",
            sample.value.kind(),
            sample.source
        );
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => {
                let place = self.add_series(sample)?;
                self.places.insert(key.clone(), place);
                place
            }
        };
        self.key = key;
        self.spool.push(
            place.family,
            SpoolEntry {
                series: place.series,
                part: part as u8,
                at_ms,
                value: sample.value.number(),
            },
        )
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        for number in std::mem::take(&mut self.numbers).into_values() {
            let mut entries = self.spool.take(number)?;
            let family = &self.families[number];
            family.sort(&mut entries);
            write_head(&mut self.out, TextFormat::OpenMetrics, &family.family)?;
            family.write(&mut self.out, &entries)?;
        }
        write_end(&mut self.out, TextFormat::OpenMetrics)?;
        self.out.flush()
    }
}

impl PrometheusText<'_> {
    /// Adds the series of a sample whose key is new.
    fn add_series(&mut self, sample: &Sample<'_>) -> io::Result<SeriesPlace> {
        let (family, label) = match &sample.value {
            SampleValue::Single {
                name, id, fallback, ..
            } => (Family::new(name, *id, *fallback), id.label),
            SampleValue::Part { latency, .. } => (Family::of_latency(latency), None),
        };
        let kind: &str = sample.source_kind.into();
        let mut labels = vec![
            ("run", self.run.clone()),
            ("source_kind", kind.to_owned()),
            ("source", sample.source.to_owned()),
        ];
        labels.extend(label.map(|(name, value)| (name, value.to_owned())));
        let is_summed = sample.value.kind() == SeriesKind::Count;
        let place = self.place(family, labels, is_summed);
        if is_summed {
            // Nothing was counted before the first interval, and a rate needs two samples.
            let start_ms = (sample.time.length_s * 1e3) as i64;
            let entry = SpoolEntry {
                series: place.series,
                part: 0,
                at_ms: sample.time.utc.timestamp_millis() - start_ms,
                value: 0.0,
            };
            self.spool.push(place.family, entry)?;
        }
        Ok(place)
    }

    fn place(&mut self, family: Family, labels: Labels, is_summed: bool) -> SeriesPlace {
        let next = self.families.len();
        let number = *self.numbers.entry(family.name.clone()).or_insert(next);
        if number == next {
            let series = Vec::new();
            self.families.push(FamilySeries { family, series });
        }
        let all = &mut self.families[number].series;
        // Two names may give the same series, such as `a.b` and `a_b` of a damaged record.
        let known = all.iter().position(|series| series.labels == labels);
        let series = known.unwrap_or(all.len());
        if known.is_none() {
            all.push(Series { labels, is_summed });
        }
        SeriesPlace {
            family: number,
            series: series as u32,
        }
    }

    /// Adds the states of the phases, once a second.
    fn phase(&mut self, at_ms: i64, phase: Option<&'static str>) -> io::Result<()> {
        let Some(phase) = phase else {
            return Ok(());
        };
        if self.phases_until_ms.is_some_and(|until| at_ms < until) {
            return Ok(());
        }
        self.phases_until_ms = Some(at_ms + 1000);
        for state in PHASES {
            let family = Family::of_run("phase", FamilyType::StateSet, "phase of the run");
            let labels = vec![("run", self.run.clone()), (PHASE, state.to_owned())];
            let place = self.place(family, labels, false);
            let entry = SpoolEntry {
                series: place.series,
                part: 0,
                at_ms,
                value: f64::from(u8::from(state == phase)),
            };
            self.spool.push(place.family, entry)?;
        }
        Ok(())
    }
}

impl FamilySeries {
    /// Sorts samples by series and time. The states of one instant stay together.
    fn sort(&self, entries: &mut [SpoolEntry]) {
        match self.family.kind {
            FamilyType::StateSet => entries.sort_by_key(|entry| (entry.at_ms, entry.series)),
            _ => entries.sort_by_key(|entry| (entry.series, entry.at_ms, entry.part)),
        }
    }

    fn write(&self, out: &mut impl Write, entries: &[SpoolEntry]) -> io::Result<()> {
        let mut total = SummedUp::default();
        for instant in entries.chunk_by(|a, b| (a.series, a.at_ms) == (b.series, b.at_ms)) {
            let (Some(first), Some(last)) = (instant.first(), instant.last()) else {
                continue;
            };
            if total.series != first.series {
                total = SummedUp {
                    series: first.series,
                    ..SummedUp::default()
                };
            }
            let series = &self.series[first.series as usize];
            let labels = series.labels.iter();
            let labels: Vec<_> = labels
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let time = SampleTime::Millis(first.at_ms);
            match self.family.kind {
                FamilyType::Summary => self.write_summary(out, &labels, instant, &mut total)?,
                kind => {
                    let ending = if kind == FamilyType::Counter {
                        "_total"
                    } else {
                        ""
                    };
                    total.count += instant.iter().map(|entry| entry.value).sum::<f64>();
                    // Prometheus takes one value of a series at an instant.
                    let value = if series.is_summed {
                        total.count
                    } else {
                        last.value
                    };
                    let value = value * self.family.factor;
                    write_sample(out, &self.family, ending, &labels, (value, time))?;
                }
            }
        }
        Ok(())
    }

    /// Writes the percentiles of one instant, and sum and count up to there.
    fn write_summary(
        &self,
        out: &mut impl Write,
        labels: &[(&str, &str)],
        instant: &[SpoolEntry],
        total: &mut SummedUp,
    ) -> io::Result<()> {
        let part = |number: usize| {
            let entries = instant.iter();
            entries
                .filter(move |entry| usize::from(entry.part) == number)
                .map(|entry| entry.value)
        };
        debug_assert_eq!(PARTS[..2], ["count", "mean"]);
        total.count += part(0).sum::<f64>();
        let sums = part(0).zip(part(1)).map(|(count, mean)| count * mean);
        total.sum += sums.sum::<f64>() * self.family.factor;
        let time = instant.first().map_or(0, |entry| entry.at_ms);
        let time = SampleTime::Millis(time);
        for (number, quantile) in QUANTILES {
            let labels = [labels, &[("quantile", quantile)]].concat();
            if let Some(value) = part(number).next_back() {
                let value = value * self.family.factor;
                write_sample(out, &self.family, "", &labels, (value, time))?;
            }
        }
        write_sample(out, &self.family, "_sum", labels, (total.sum, time))?;
        write_sample(out, &self.family, "_count", labels, (total.count, time))
    }
}

/// The counts of a series up to an instant.
#[derive(Default)]
struct SummedUp {
    series: u32,
    count: f64,
    sum: f64,
}
