//! The lines of both text formats.

use std::io::{self, Write};

use super::family::{Family, FamilyType};

/// Parts of a latency that are percentiles, by their number, as both formats write them.
pub(crate) const QUANTILES: [(usize, &str); 5] =
    [(2, "0.5"), (3, "0.9"), (4, "0.99"), (5, "0.999"), (6, "1")];

/// A text format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFormat {
    /// Prometheus's own, version 0.0.4, which its check of metrics reads.
    Prometheus,
    /// OpenMetrics 1.0, in which a sample may carry a timestamp in seconds.
    OpenMetrics,
}

/// The time of a sample: milliseconds since 1970, or that of the scrape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SampleTime {
    /// Time of the scrape.
    Now,
    /// Milliseconds since 1970.
    Millis(i64),
}

/// Writes type, unit and help of a family, before its samples.
pub(crate) fn write_head(
    out: &mut impl Write,
    format: TextFormat,
    family: &Family,
) -> io::Result<()> {
    let (name, kind) = match (format, family.kind) {
        // In the older format a counter's family has the name of its samples.
        (TextFormat::Prometheus, FamilyType::Counter) => {
            (format!("{}_total", family.name), "counter")
        }
        (_, FamilyType::Counter) => (family.name.clone(), "counter"),
        (_, FamilyType::Summary) => (family.name.clone(), "summary"),
        (TextFormat::OpenMetrics, FamilyType::StateSet) => (family.name.clone(), "stateset"),
        (_, FamilyType::Gauge | FamilyType::StateSet) => (family.name.clone(), "gauge"),
    };
    writeln!(out, "# TYPE {name} {kind}")?;
    if format == TextFormat::OpenMetrics && !family.unit.is_empty() {
        writeln!(out, "# UNIT {name} {}", family.unit)?;
    }
    writeln!(out, "# HELP {name} {}", escaped(family.help))
}

/// Writes one sample. `ending` is what a type adds to the name: `_total`, `_count`.
pub(crate) fn write_sample(
    out: &mut impl Write,
    family: &Family,
    ending: &str,
    labels: &[(&str, &str)],
    (value, time): (f64, SampleTime),
) -> io::Result<()> {
    write!(out, "{}{ending}", family.name)?;
    for (index, (name, value)) in labels.iter().enumerate() {
        let before = if index == 0 { '{' } else { ',' };
        write!(out, "{before}{name}=\"{}\"", escaped(value))?;
    }
    let after = if labels.is_empty() { "" } else { "}" };
    write!(out, "{after} {value}")?;
    match time {
        SampleTime::Now => writeln!(out),
        SampleTime::Millis(millis) => {
            let (seconds, rest) = (millis.div_euclid(1000), millis.rem_euclid(1000));
            writeln!(out, " {seconds}.{rest:03}")
        }
    }
}

/// Writes the end of the text, which OpenMetrics requires.
pub(crate) fn write_end(out: &mut impl Write, format: TextFormat) -> io::Result<()> {
    match format {
        TextFormat::Prometheus => Ok(()),
        TextFormat::OpenMetrics => writeln!(out, "# EOF"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_name_a_counter_as_they_require() {
        let family = Family {
            name: "highwater_run_cpu_seconds".to_owned(),
            kind: FamilyType::Counter,
            unit: "seconds",
            help: "CPU time",
            factor: 1.0,
        };
        let text = |format, time| {
            let mut out = Vec::new();
            write_head(&mut out, format, &family).unwrap();
            let labels = [("source", "a\"b")];
            write_sample(&mut out, &family, "_total", &labels, (1.5, time)).unwrap();
            write_end(&mut out, format).unwrap();
            String::from_utf8(out).unwrap()
        };
        expect_test::expect![[r#"
            # TYPE highwater_run_cpu_seconds counter
            # UNIT highwater_run_cpu_seconds seconds
            # HELP highwater_run_cpu_seconds CPU time
            highwater_run_cpu_seconds_total{source="a\"b"} 1.5 12.034
            # EOF
        "#]]
        .assert_eq(&text(TextFormat::OpenMetrics, SampleTime::Millis(12_034)));
        expect_test::expect![[r#"
            # TYPE highwater_run_cpu_seconds_total counter
            # HELP highwater_run_cpu_seconds_total CPU time
            highwater_run_cpu_seconds_total{source="a\"b"} 1.5
        "#]]
        .assert_eq(&text(TextFormat::Prometheus, SampleTime::Now));
    }
}
