//! The condition under which a ramp holds.

use highwater_types::duration;

use super::{FixedForm, text::quoted_text};
use crate::{diagnostic::Diagnostic, plan::HoldWhen, tree::TomlItem};

/// The quantiles of a condition, and their hundredths.
const QUANTILES: [(&str, f64); 6] = [
    ("p50", 50.0),
    ("p90", 90.0),
    ("p95", 95.0),
    ("p99", 99.0),
    ("p999", 99.9),
    ("max", 100.0),
];

/// Accepts a condition on the time that attempts to open a socket take.
pub(crate) const fn hold_when() -> FixedForm<HoldWhen> {
    FixedForm {
        expected: || {
            "a condition such as \"connect.p99 > 1s\", with p50, p90, p95, p99, p999 or max"
                .to_owned()
        },
        read: |item| parse(item),
    }
}

fn parse(item: &TomlItem) -> Result<HoldWhen, Diagnostic> {
    let text = quoted_text(item)?;
    let Some((metric, limit)) = text.split_once('>') else {
        return Err(Diagnostic::new(format!("`{text}` has no `>`")));
    };
    let metric = metric.trim();
    let quantile = metric.strip_prefix("connect.").unwrap_or_default();
    let known = QUANTILES.iter().find(|(name, _)| *name == quantile);
    let Some((_, percentile)) = known else {
        return Err(Diagnostic::new(format!("`{metric}` is not known here")));
    };
    let above = duration::parse(limit.trim())?;
    if above.is_zero() {
        return Err(Diagnostic::new("a limit of zero, which is always exceeded"));
    }
    Ok(HoldWhen {
        percentile: *percentile,
        above,
    })
}

#[cfg(test)]
mod tests {
    use crate::plan::RampControl;

    fn control(ramp: &str) -> Result<RampControl, String> {
        let text = format!(
            r#"
            name = "ramp"
            duration = "1m"
            [target]
            ws = "ws://h/"
            dialect = "plain"
            [[devices]]
            name = "home"
            count = 10
            ramp = {ramp}
            "#
        );
        let plan = crate::parse("ramp.toml", &text, &[]);
        plan.map(|plan| plan.devices[0].ramp_control)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn ramp_is_a_rate_or_a_table() {
        assert_eq!(control("\"5/s\""), Ok(RampControl::default()));
        let table = "{ rate = \"5/s\", hold_when = \"connect.p99 > 1s\", max_connecting = 7 }";
        let read = control(table).unwrap();
        assert_eq!(read.max_connecting, Some(7));
        assert_eq!(read.hold_when.unwrap().to_string(), "connect.p99 > 1s");
        for condition in ["connect.p999 > 50ms", "connect.max > 2m"] {
            let table = format!("{{ rate = \"5/s\", hold_when = \"{condition}\" }}");
            let read = control(&table).unwrap().hold_when.unwrap();
            assert_eq!(read.to_string(), condition);
        }
    }

    #[test]
    fn invalid_condition_says_what_is_expected() {
        for (condition, problem) in [
            ("", "has no `>`"),
            ("connect.p99 < 1s", "has no `>`"),
            ("connect.p98 > 1s", "`connect.p98` is not known here"),
            ("p99 > 1s", "`p99` is not known here"),
            ("connect.p99 > 1", "unit"),
            ("connect.p99 > 0s", "a limit of zero"),
        ] {
            let table = format!("{{ rate = \"5/s\", hold_when = \"{condition}\" }}");
            let error = control(&table).unwrap_err();
            assert!(error.contains(problem), "{condition}: {error}");
            assert!(error.contains("connect.p99 > 1s"), "{condition}: {error}");
            assert!(error.contains("devices.home.ramp.hold_when"), "{error}");
        }
        let error = control("{ hold_when = \"connect.p99 > 1s\" }").unwrap_err();
        assert!(error.contains("rate"), "{error}");
    }
}
