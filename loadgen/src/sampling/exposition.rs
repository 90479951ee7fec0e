//! A reader of the Prometheus text format and of OpenMetrics, line by line.
//!
//! Sources: the text format 0.0.4 of Prometheus with its UTF-8 names
//! (`prometheus.io/docs/instrumenting/exposition_formats`) and OpenMetrics 1.0. The crates
//! for these formats drop lines in silence or reject a text as a whole. A target's endpoint
//! is somebody's own code, so each line counts alone here, and a line that breaks the format
//! is named.

use std::{borrow::Cow, fmt};

use thiserror::Error;

/// The longest part of a line, in characters, that an error quotes.
const MAX_QUOTE_CHARS: usize = 40;

/// The samples of the wanted metrics in a text, and the lines that break the format.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Exposition<'t> {
    /// The samples of wanted metrics, in the text's order.
    pub(crate) samples: Vec<Sample<'t>>,
    /// The first line that breaks the format.
    pub(crate) first_broken: Option<BrokenLine>,
    /// The number of lines that break the format.
    pub(crate) broken_lines: usize,
}

/// The value of one time series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample<'t> {
    /// The metric's name.
    pub(crate) metric: Cow<'t, str>,
    /// The value, which may be infinite or NaN.
    pub(crate) value: f64,
    /// The kind of the value.
    pub(crate) kind: SampleKind,
    labels: Vec<Label<'t>>,
}

/// The kind of a sample's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SampleKind {
    /// A value that may rise and fall.
    Gauge,
    /// A value that grows from the start of the process.
    Counter,
    /// A quantile of a summary. It bears the name of the summary, and a sum of several means
    /// nothing.
    Quantile,
}

type Label<'t> = (Cow<'t, str>, Cow<'t, str>);

/// A line that breaks the format.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {number}: expected {expected} at {found}")]
pub(crate) struct BrokenLine {
    number: usize,
    expected: &'static str,
    found: Quote,
}

/// The rest of a line in an error: short, and without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Quote(String);

impl Sample<'_> {
    /// Returns the value of a label.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        let label = self.labels.iter().find(|(key, _)| key == name);
        label.map(|(_, value)| &**value)
    }

    /// Returns the value if it is a finite number. Servers show NaN before their first
    /// measurement.
    pub(crate) fn finite_value(&self) -> Option<f64> {
        Some(self.value).filter(|value| value.is_finite())
    }

    /// Returns the series as the format writes it: `name{label="value"}`.
    pub(crate) fn series(&self) -> String {
        let labels = self.labels.iter();
        let labels: Vec<String> = labels
            .map(|(key, value)| format!("{key}={value:?}"))
            .collect();
        match labels.as_slice() {
            [] => self.metric.to_string(),
            labels => format!("{}{{{}}}", self.metric, labels.join(",")),
        }
    }
}

/// Reads the samples of the metrics whose names are wanted. Every line is checked.
pub(crate) fn parse(text: &str, is_wanted: impl Fn(&str) -> bool) -> Exposition<'_> {
    let mut exposition = Exposition::default();
    let mut declared = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_matches([' ', '\t']);
        if let Some(comment) = line.strip_prefix('#') {
            declared = type_comment(comment).or(declared);
            continue;
        }
        if line.is_empty() {
            continue;
        }
        match Cursor(line).sample() {
            Ok(sample) if !is_wanted(&sample.metric) => {}
            Ok(sample) => exposition.samples.push(Sample {
                kind: kind_of(&sample.metric, declared),
                ..sample
            }),
            Err((expected, rest)) => {
                exposition.broken_lines += 1;
                exposition.first_broken.get_or_insert_with(|| BrokenLine {
                    number: index + 1,
                    expected,
                    found: Quote::new(rest),
                });
            }
        }
    }
    exposition
}

/// Reads `TYPE metric kind`.
fn type_comment(comment: &str) -> Option<(&str, &str)> {
    let mut words = comment.split_ascii_whitespace();
    (words.next() == Some("TYPE")).then_some(())?;
    // A name of other characters than letters stands in quotes.
    Some((words.next()?.trim_matches('"'), words.next()?))
}

/// Returns the kind of a sample by the last `TYPE` comment, or by its name where that comment is
/// about another metric.
fn kind_of(name: &str, declared: Option<(&str, &str)>) -> SampleKind {
    let declared = declared.and_then(|(metric, kind)| Some((name.strip_prefix(metric)?, kind)));
    match declared {
        Some(("", "summary")) => SampleKind::Quantile,
        // Only OpenMetrics names a counter without its suffix.
        Some(("" | "_total", "counter")) => SampleKind::Counter,
        Some(("_sum" | "_count" | "_bucket", "summary" | "histogram")) => SampleKind::Counter,
        Some(("", "gauge")) => SampleKind::Gauge,
        _ if name.ends_with("_total") => SampleKind::Counter,
        _ => SampleKind::Gauge,
    }
}

/// The rest of a line.
struct Cursor<'t>(&'t str);

/// A description of the expected text, and the rest of the line where it was not found.
type Expected<'t> = (&'static str, &'t str);

impl<'t> Cursor<'t> {
    /// `name{label="value",…} value [timestamp] [# exemplar]`, where the name may stand in
    /// quotes as the first item within the braces.
    fn sample(mut self) -> Result<Sample<'t>, Expected<'t>> {
        let mut metric = self.name(|byte| byte == b':').map(Cow::Borrowed);
        let mut labels = Vec::new();
        self.skip_blanks();
        if self.take("{") {
            self.labels(&mut metric, &mut labels)?;
        }
        let metric = metric.ok_or(("the name of a metric", self.0))?;
        self.skip_blanks();
        let value = self.number("the value, a number")?;
        self.end()?;
        Ok(Sample {
            metric,
            value,
            // The comment before it says more.
            kind: SampleKind::Gauge,
            labels,
        })
    }

    fn labels(
        &mut self,
        metric: &mut Option<Cow<'t, str>>,
        labels: &mut Vec<Label<'t>>,
    ) -> Result<(), Expected<'t>> {
        loop {
            self.skip_blanks();
            if self.take("}") {
                return Ok(());
            }
            let start = self.0;
            let name = match self.name(|_| false) {
                Some(name) => Cow::Borrowed(name),
                None => self.quoted().ok_or(("a label or `}`", start))?,
            };
            self.skip_blanks();
            if self.take("=") {
                self.skip_blanks();
                let start = self.0;
                let value = self.quoted().ok_or(("a label's value in quotes", start))?;
                labels.push((name, value));
            } else if metric.is_none() && start.starts_with('"') {
                *metric = Some(name);
            } else {
                return Err(("`=` after a label's name", self.0));
            }
            self.skip_blanks();
            // A comma may stand behind the last label as well.
            if !self.take(",") && !self.0.starts_with('}') {
                return Err(("`,` or `}` after a label", self.0));
            }
        }
    }

    /// A timestamp and an exemplar, or nothing.
    fn end(&mut self) -> Result<(), Expected<'t>> {
        self.skip_blanks();
        if !self.0.is_empty() && !self.0.starts_with('#') {
            self.number("a timestamp or the end of the line")?;
            self.skip_blanks();
        }
        // Exemplars of OpenMetrics carry trace ids, which no gauge needs.
        match self.0.is_empty() || self.0.starts_with("# {") {
            true => Ok(()),
            false => Err(("the end of the line", self.0)),
        }
    }

    fn number(&mut self, expected: &'static str) -> Result<f64, Expected<'t>> {
        let end = self.0.find([' ', '\t']).unwrap_or(self.0.len());
        let number = self.0[..end].parse().map_err(|_| (expected, self.0))?;
        self.0 = &self.0[end..];
        Ok(number)
    }

    /// A name of ASCII letters, digits and `_`; `is_extra` allows further characters.
    fn name(&mut self, is_extra: impl Fn(u8) -> bool) -> Option<&'t str> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || is_extra(byte);
        let end = self.0.bytes().position(|byte| !is_name(byte));
        let (name, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        self.0 = rest;
        Some(name)
    }

    /// A text in quotes, in which `\\`, `\"` and `\n` are escapes. A backslash before any
    /// other character stands for itself, as Prometheus reads it.
    fn quoted(&mut self) -> Option<Cow<'t, str>> {
        let text = self.0.strip_prefix('"')?;
        let end = text.find(['"', '\\'])?;
        if text[end..].starts_with('"') {
            self.0 = &text[end + 1..];
            return Some(Cow::Borrowed(&text[..end]));
        }
        let mut unescaped = text[..end].to_owned();
        let mut characters = text[end..].chars();
        loop {
            match characters.next()? {
                '"' => break,
                '\\' => match characters.next()? {
                    'n' => unescaped.push('\n'),
                    escaped @ ('\\' | '"') => unescaped.push(escaped),
                    other => unescaped.extend(['\\', other]),
                },
                other => unescaped.push(other),
            }
        }
        self.0 = characters.as_str();
        Some(Cow::Owned(unescaped))
    }

    fn take(&mut self, token: &str) -> bool {
        let rest = self.0.strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn skip_blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }
}

impl Quote {
    fn new(text: &str) -> Self {
        let is_cut = text.chars().nth(MAX_QUOTE_CHARS).is_some();
        let quote: String = text.chars().take(MAX_QUOTE_CHARS).collect();
        Self(if is_cut { quote + "…" } else { quote })
    }
}

impl fmt::Display for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_str() {
            "" => f.write_str("the end of the line"),
            text => write!(f, "{text:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: Expect) {
        let exposition = parse(text, |_| true);
        let mut lines: Vec<String> = exposition.samples.iter().map(line).collect();
        lines.extend(exposition.first_broken.map(|broken| format!("! {broken}")));
        expected.assert_eq(&lines.join("\n"));
    }

    fn line(sample: &Sample<'_>) -> String {
        let labels = sample.labels.iter();
        let labels: Vec<String> = labels
            .map(|(key, value)| format!("{key}={value:?}"))
            .collect();
        format!("{} [{}] {}", sample.metric, labels.join(" "), sample.value)
    }

    #[test]
    fn samples_of_the_text_format_are_read() {
        check(
            "# HELP http_requests_total Requests.\n\
             # TYPE http_requests_total counter\n\
             http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n\
             \t http_requests_total { code = \"400\" , } 3 -3982045\n\
             \n\
             route{path=\"/devices/{id}/a b\",q=\"a=\\\"b\\\",c\\\\d\\ne\\d\"} 30\r\n\
             metric:without_timestamp 12.47\n\
             infinity +Inf\nnegative -inf\nnone NaN\nsmall 1.458255915e9\n",
            expect![[r#"
                http_requests_total [method="post" code="200"] 1027
                http_requests_total [code="400"] 3
                route [path="/devices/{id}/a b" q="a=\"b\",c\\d\ne\\d"] 30
                metric:without_timestamp [] 12.47
                infinity [] inf
                negative [] -inf
                none [] NaN
                small [] 1458255915"#]],
        );
    }

    #[test]
    fn samples_of_openmetrics_are_read() {
        check(
            "# TYPE foo counter\n# UNIT foo seconds\n\
             foo_total 17.0 1520879607.789 # {trace_id=\"KOO5S4vxi0o\"} 0.67\n\
             foo_created 1520872607.123\n\
             bar_bucket{le=\"+Inf\"} 7 # {} 9\n\
             {\"ws.connections\",\"http.route\"=\"/{x}\"} 4\n\
             # EOF\n",
            expect![[r#"
                foo_total [] 17
                foo_created [] 1520872607.123
                bar_bucket [le="+Inf"] 7
                ws.connections [http.route="/{x}"] 4"#]],
        );
    }

    #[test]
    fn kind_is_that_of_the_comment_or_of_the_name() {
        let text = "untyped_total 1\nuntyped 1\n\
                    # TYPE wait summary\nwait{quantile=\"0.5\"} 1\nwait_sum 9\nwait_count 4\n\
                    # TYPE requests counter\n# HELP requests Requests.\n# UNIT requests x\n\
                    requests_total 3\nrequests_created 5\n\
                    # TYPE bytes counter\nbytes 3\n\
                    # TYPE size histogram\nsize_bucket{le=\"1\"} 2\nsize_count 2\n\
                    # TYPE odd_total gauge\nodd_total 2\n\
                    # TYPE \"app.sent\" counter\n{\"app.sent\"} 2\n";
        let exposition = parse(text, |_| true);
        let kinds = exposition.samples.iter();
        let kinds: Vec<String> = kinds
            .map(|sample| format!("{} {:?}", sample.series(), sample.kind))
            .collect();
        expect![[r#"
            untyped_total Counter
            untyped Gauge
            wait{quantile="0.5"} Quantile
            wait_sum Counter
            wait_count Counter
            requests_total Counter
            requests_created Gauge
            bytes Counter
            size_bucket{le="1"} Counter
            size_count Counter
            odd_total Gauge
            app.sent Counter"#]]
        .assert_eq(&kinds.join("\n"));
    }

    #[test]
    fn broken_line_is_named_and_the_others_count() {
        for (line, expected) in [
            ("<html>", r#"expected the name of a metric at "<html>""#),
            ("9lives 1", r#"expected the name of a metric at "9lives 1""#),
            (
                "sockets",
                "expected the value, a number at the end of the line",
            ),
            ("sockets 1,5", r#"expected the value, a number at "1,5""#),
            (
                "a{b=\"c} 1",
                r#"expected a label's value in quotes at "\"c} 1""#,
            ),
            (
                "a{b=\"c\" d=\"e\"} 1",
                r#"expected `,` or `}` after a label at "d=\"e\"} 1""#,
            ),
            ("a{b} 1", r#"expected `=` after a label's name at "} 1""#),
            ("a{b=\"c\", 1", r#"expected a label or `}` at "1""#),
            ("a 1 2 3", r#"expected the end of the line at "3""#),
            (
                "a 1 now",
                r#"expected a timestamp or the end of the line at "now""#,
            ),
            (
                "\u{1b}[2J",
                r#"expected the name of a metric at "\u{1b}[2J""#,
            ),
        ] {
            let text = format!("first 1\n{line}\nlast 2\n");
            let exposition = parse(&text, |_| true);
            let broken = exposition.first_broken.expect(line).to_string();
            assert_eq!(broken, format!("line 2: {expected}"));
            assert_eq!((exposition.samples.len(), exposition.broken_lines), (2, 1));
        }
    }
}
