//! The grammar of a gate's check: `metric comparison limit`, as in
//! `heartbeats.response.p99 <= 50ms`.

use serde::{Deserialize, Serialize};

use crate::{diagnostic::Diagnostic, metrics, renamed, suggest};

/// A comparison of a metric of the summary with a limit.
///
/// ```
/// use highwater_scenarios::GateCheck;
///
/// // The summary has milliseconds, whatever the unit of the limit is.
/// let check = GateCheck::parse("heartbeats.response.p99 <= 0.05s").unwrap();
/// assert_eq!(check.limit, 50.0);
/// assert!(check.comparison.holds(49.9, check.limit));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateCheck {
    /// Path of the metric in `summary.json` without its unit suffix.
    pub metric: String,
    /// The comparison that must hold.
    pub comparison: ComparisonOperator,
    /// The limit in the summary's unit: milliseconds, bytes, seconds or a plain number.
    pub limit: f64,
    /// The check as the person wrote it.
    pub text: String,
}

/// The way in which a metric is compared with its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ComparisonOperator {
    /// `<`
    #[serde(rename = "<")]
    Less,
    /// `<=`
    #[serde(rename = "<=")]
    AtMost,
    /// `==`
    #[serde(rename = "==")]
    Equal,
    /// `!=`
    #[serde(rename = "!=")]
    Unequal,
    /// `>=`
    #[serde(rename = ">=")]
    AtLeast,
    /// `>`
    #[serde(rename = ">")]
    Greater,
}

/// The comparisons by their sign. Longer signs stand before the signs they begin with,
/// because the first match counts.
const OPERATORS: [(&str, ComparisonOperator); 6] = [
    ("<=", ComparisonOperator::AtMost),
    (">=", ComparisonOperator::AtLeast),
    ("==", ComparisonOperator::Equal),
    ("!=", ComparisonOperator::Unequal),
    ("<", ComparisonOperator::Less),
    (">", ComparisonOperator::Greater),
];

impl GateCheck {
    /// Reads `metric comparison limit`. The limit is written with a unit of its metric and
    /// becomes a number of the summary's unit.
    ///
    /// # Errors
    ///
    /// Fails when the metric or the comparison is unknown, or the limit does not fit the
    /// metric.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        let text = text.trim();
        let (metric, comparison, limit) = split_check(text)?;
        let metric = metrics::find(metric).ok_or_else(|| unknown_metric(metric))?;
        let limit = metric.unit.parse_limit(limit).map_err(|diagnostic| {
            Diagnostic::new(format!(
                "{} as the limit of {}",
                diagnostic.message, metric.path
            ))
            .expected(metric.unit.expected())
            .maybe_hint(diagnostic.hint)
        })?;
        Ok(Self {
            metric: metric.path,
            comparison,
            limit,
            text: text.to_owned(),
        })
    }
}

impl ComparisonOperator {
    /// Whether `actual` satisfies the comparison with `limit`.
    pub fn holds(self, actual: f64, limit: f64) -> bool {
        match self {
            Self::Less => actual < limit,
            Self::AtMost => actual <= limit,
            // Exact: a float holds every whole number up to 2^53, and counts stay below.
            Self::Equal => actual == limit,
            Self::Unequal => actual != limit,
            Self::AtLeast => actual >= limit,
            Self::Greater => actual > limit,
        }
    }
}

/// Returns metric, comparison and limit, the outer two trimmed.
fn split_check(text: &str) -> Result<(&str, ComparisonOperator, &str), Diagnostic> {
    let malformed = |message: &str| {
        Diagnostic::new(message).expected("`metric <= limit`, with one of < <= == != >= >")
    };
    let start = text
        // No path of a metric contains these characters.
        .find(['<', '>', '=', '!'])
        .ok_or_else(|| malformed("no comparison"))?;
    let rest = &text[start..];
    let unknown = || malformed("an unknown comparison").maybe_hint(operator_hint(rest));
    let (sign, comparison) = OPERATORS
        .iter()
        .find(|(sign, _)| rest.starts_with(sign))
        .ok_or_else(unknown)?;
    let (metric, limit) = (text[..start].trim(), rest[sign.len()..].trim());
    // `<==` begins with a known sign; only the rest shows the slip.
    if limit.starts_with(['<', '>', '=', '!']) {
        return Err(unknown());
    }
    if metric.is_empty() || limit.is_empty() {
        return Err(malformed("a metric or a limit is missing"));
    }
    Ok((metric, *comparison, limit))
}

/// Returns the comparison that was probably meant.
fn operator_hint(rest: &str) -> Option<String> {
    let wrong = rest
        .find(|c| !"<>=!".contains(c))
        .map_or(rest, |end| &rest[..end]);
    let meant = match wrong {
        "=" | "===" => "==",
        "=<" | "<==" => "<=",
        "=>" | ">==" => ">=",
        "<>" | "=!" | "!==" => "!=",
        _ => return None,
    };
    Some(format!("did you mean `{meant}`?"))
}

/// Explains that no metric has this path: lists the metrics of its group, or the groups.
fn unknown_metric(path: &str) -> Diagnostic {
    let paths: Vec<String> = metrics::all().map(|metric| metric.path).collect();
    let group = path.split('.').next().unwrap_or_default();
    if group == metrics::OWN_METRICS {
        let forms: Vec<String> = metrics::own_metric_forms().map(|form| form.path).collect();
        let expected = suggest::quoted_list(forms.iter().map(String::as_str));
        let message = format!("unknown metric `{}`", path.escape_debug());
        return Diagnostic::new(message).expected(expected);
    }
    let is_member = |known: &&str| known.split('.').next() == Some(group);
    let members: Vec<&str> = paths.iter().map(String::as_str).filter(is_member).collect();
    let expected = match members.len() {
        0 => format!("a metric of {}", metric_groups(&paths)),
        1..=12 => suggest::quoted_list(members),
        _ => format!(
            "one of the {} metrics of `{group}` in the reference",
            members.len()
        ),
    };
    let hint = renamed_hint(path)
        .or_else(|| longer_path_hint(path, &paths))
        .or_else(|| suggest::did_you_mean(path, paths.iter().map(String::as_str)));
    Diagnostic::new(format!("unknown metric `{}`", path.escape_debug()))
        .expected(expected)
        .maybe_hint(hint)
}

/// Returns the first parts of all paths.
fn metric_groups(paths: &[String]) -> String {
    let mut groups: Vec<&str> = paths
        .iter()
        .filter_map(|path| path.split('.').next())
        .collect();
    // The paths are in the summary's order, in which a group stands together.
    groups.dedup();
    groups.push(metrics::OWN_METRICS);
    suggest::quoted_list(groups)
}

/// Returns the hint for a metric that had another path before.
fn renamed_hint(path: &str) -> Option<String> {
    let new = renamed::renamed_metric(path)?;
    metrics::find(&new)?;
    Some(renamed::hint(path, &new))
}

/// Returns a metric whose path has every part of this one: `heartbeats.response` and
/// `heartbeats.p99` both lack a part of `heartbeats.response.p99`.
fn longer_path_hint(path: &str, paths: &[String]) -> Option<String> {
    let covers = |known: &&String| {
        let mut known = known.split('.');
        path.split('.').all(|part| known.any(|known| known == part))
    };
    let candidates = || paths.iter().filter(covers);
    // The percentile that most gates are about.
    let is_p99 = |known: &&String| known.ends_with(".p99");
    let known = candidates().find(is_p99).or_else(|| candidates().next())?;
    Some(format!("did you mean `{known}`?"))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn limit_is_in_the_unit_of_the_summary() {
        let texts = [
            "heartbeats.response.p99 <= 50ms",
            "commands.service.max<1.5s",
            "sockets.connect.p50 > 800us",
            "cost_per_socket.node_rss <= 4 KiB",
            "balance.jain_at_end >= 99%",
            "sockets.opened == 5_000",
            "sockets.connect_rate >= 12000/min",
            "commands.response.count != 0",
        ];
        let checks = texts.map(|text| {
            let check = GateCheck::parse(text).unwrap();
            assert_eq!(check.text, text);
            format!("{} {:?} {}", check.metric, check.comparison, check.limit)
        });
        expect![[r#"
            heartbeats.response.p99 AtMost 50
            commands.service.max Less 1500
            sockets.connect.p50 Greater 0.8
            cost_per_socket.node_rss AtMost 4096
            balance.jain_at_end AtLeast 0.99
            sockets.opened Equal 5000
            sockets.connect_rate AtLeast 200
            commands.response.count Unequal 0"#]]
        .assert_eq(&checks.join("\n"));
    }

    #[test]
    fn malformed_check_is_explained() {
        let texts = [
            "heartbeats.respons.p99 <= 50ms",
            "heartbeats.p99 <= 50ms",
            "heartbeats.response <= 50ms",
            "heartbeats.response.p99 <= 50",
            "heartbeats.response.p99 <= 50KiB",
            "cost_per_socket.node_rss <= 4kb",
            "sockets.opened = 5000",
            "sockets.opened == 5000ms",
            "commands.failed",
            "latency < 5ms",
            "commands.failed =< 3",
            "commands.failed == -1",
            "commands.failed <== 1",
            "<= 3",
        ];
        let diagnostics = texts.map(|text| GateCheck::parse(text).unwrap_err().to_string());
        expect![[r#"
            unknown metric `heartbeats.respons.p99`; expected one of the 20 metrics of `heartbeats` in the reference (did you mean `heartbeats.response.p99`?)
            unknown metric `heartbeats.p99`; expected one of the 20 metrics of `heartbeats` in the reference (did you mean `heartbeats.response.p99`?)
            unknown metric `heartbeats.response`; expected one of the 20 metrics of `heartbeats` in the reference (did you mean `heartbeats.response.p99`?)
            a number without its unit as the limit of heartbeats.response.p99; expected a time such as `50ms`, `1.5s` or `800us` (did you mean `50ms` or `50s`?)
            unknown unit `KiB` as the limit of heartbeats.response.p99; expected a time such as `50ms`, `1.5s` or `800us`
            unknown unit `kb` as the limit of cost_per_socket.node_rss; expected a size such as `4KiB`, `1.5MB` or `800B` (did you mean `4kB`?)
            an unknown comparison; expected `metric <= limit`, with one of < <= == != >= > (did you mean `==`?)
            unknown unit `ms` as the limit of sockets.opened; expected a plain number
            no comparison; expected `metric <= limit`, with one of < <= == != >= >
            unknown metric `latency`; expected a metric of `sockets`, `login`, `heartbeats`, `frames`, `commands`, `exchanges`, `messages`, `backplane`, `nodes`, `cpu_cores`, `exits`, `telemetry`, `balance`, `cost_per_socket`, `observe` (did you mean `messages.latency.p99`?)
            an unknown comparison; expected `metric <= limit`, with one of < <= == != >= > (did you mean `<=`?)
            a quantity below zero as the limit of commands.failed; expected a plain number
            an unknown comparison; expected `metric <= limit`, with one of < <= == != >= > (did you mean `<=`?)
            a metric or a limit is missing; expected `metric <= limit`, with one of < <= == != >= >"#]].assert_eq(&diagnostics.join("\n"));
    }
}
