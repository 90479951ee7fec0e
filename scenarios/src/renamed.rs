//! The names that changed with schema 2 of the summary and the record.
//!
//! Diagnostics name the new word for an old one, and records of schema 1 are read by
//! the same tables.

/// The keys of a scenario that changed their name: old, new.
const KEYS: [(&str, &str); 8] = [
    ("readings", "telemetry"),
    ("give_up_after", "max_missed"),
    ("lose_every", "drop_every"),
    ("handle_time", "processing_time"),
    ("load", "load_metric"),
    ("length", "duration"),
    ("gateways", "balancers"),
    ("band", "tolerance"),
];

/// The metrics that changed their path: old, new. A path stands for all below it; of
/// two that fit, the longer one stands first.
const METRICS: [(&str, &str); 7] = [
    ("readings.refused", "telemetry.rejected"),
    ("readings", "telemetry"),
    ("processors", "cpu_cores"),
    ("balance.longest_settling", "balance.longest_recovery"),
    (
        "balance.longest_misrouting",
        "balance.longest_failed_connects",
    ),
    (
        "cost_per_socket.gateway_rss",
        "cost_per_socket.balancer_rss",
    ),
    (
        "cost_per_socket.gateway_open_files",
        "cost_per_socket.balancer_open_files",
    ),
];

/// Returns the present name of a scenario's key that had another one before.
pub fn renamed_key(old: &str) -> Option<&'static str> {
    let entry = KEYS.iter().find(|(key, _)| *key == old)?;
    Some(entry.1)
}

/// Returns the present path of a metric that had another one before.
pub fn renamed_metric(old: &str) -> Option<String> {
    renamed_path(&METRICS, old)
}

/// Returns the new name of a dotted path whose beginning a table of old and new names has.
pub fn renamed_path(table: &[(&str, &str)], old: &str) -> Option<String> {
    table.iter().find_map(|(path, new)| {
        let rest = old.strip_prefix(path)?;
        // Whole parts only: `readingsx` does not begin with the part `readings`.
        (rest.is_empty() || rest.starts_with('.')).then(|| format!("{new}{rest}"))
    })
}

/// Returns the hint for an old name.
pub(crate) fn hint(old: &str, new: &str) -> String {
    format!("`{old}` is called `{new}` now")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metrics, settings};

    #[test]
    fn every_new_key_is_a_key() {
        let settings = settings::all();
        for (old, new) in KEYS {
            let is_new = |path: &str| path.rsplit('.').next() == Some(new);
            let mut paths = settings.iter().map(|setting| setting.path.as_str());
            assert!(paths.any(is_new), "{old} -> {new}");
        }
    }

    #[test]
    fn every_new_path_leads_to_a_metric_and_no_old_one_does() {
        let paths: Vec<String> = metrics::all().map(|metric| metric.path).collect();
        for (_, new) in METRICS {
            assert!(paths.iter().any(|path| path.starts_with(new)), "{new}");
        }
        for path in paths {
            assert_eq!(renamed_metric(&path), None, "{path}");
        }
    }

    #[test]
    fn longest_path_that_fits_is_renamed() {
        for (old, new) in [
            ("readings.refused", Some("telemetry.rejected")),
            ("readings.response.p99", Some("telemetry.response.p99")),
            ("processors.nodes", Some("cpu_cores.nodes")),
            ("readingsx", None),
            ("sockets.opened", None),
        ] {
            assert_eq!(renamed_metric(old).as_deref(), new, "{old}");
        }
    }
}
