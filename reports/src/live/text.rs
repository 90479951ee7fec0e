//! The text of a scrape.

use std::io::{self, Write};

use super::{
    families::{LiveFamily, LiveValue},
    metrics::LiveMetrics,
};
use crate::exposition::{
    FamilyType, QUANTILES, SampleTime, TextFormat, write_end, write_head, write_sample,
};

impl LiveMetrics {
    /// Returns all metrics in a text format.
    pub fn text(&self, format: TextFormat) -> String {
        let mut out = Vec::new();
        for family in self.families() {
            // Memory takes whatever is written.
            let _ = self.write_family(&mut out, format, &family);
        }
        let _ = write_end(&mut out, format);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn write_family(
        &self,
        out: &mut impl Write,
        format: TextFormat,
        live: &LiveFamily,
    ) -> io::Result<()> {
        let family = &live.family;
        write_head(out, format, family)?;
        let ending = match family.kind {
            FamilyType::Counter => "_total",
            _ => "",
        };
        for (labels, value) in &live.series {
            let of_series = labels.iter().map(|(name, value)| (*name, value.as_str()));
            let labels: Vec<_> = [("run", self.run.as_str())]
                .into_iter()
                .chain(of_series)
                .collect();
            let mut sample = |ending, labels: &[(&str, &str)], value| {
                write_sample(out, family, ending, labels, (value, SampleTime::Now))
            };
            match value {
                LiveValue::Number(value) => sample(ending, &labels, *value)?,
                LiveValue::Latency { last, sum, count } => {
                    for (part, quantile) in QUANTILES {
                        if let Some(parts) = last {
                            let labels = [&labels[..], &[("quantile", quantile)]].concat();
                            sample("", &labels, parts[part])?;
                        }
                    }
                    sample("_sum", &labels, *sum)?;
                    sample("_count", &labels, *count)?;
                }
            }
        }
        Ok(())
    }
}
