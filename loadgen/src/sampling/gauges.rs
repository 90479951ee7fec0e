//! The values of one sample, by name.

use std::collections::BTreeMap;

/// Gauges by [`name`](highwater_reports::record::names::gauge); sizes in bytes, times in
/// seconds.
pub type Gauges = BTreeMap<String, f64>;

/// Returns the gauges that have a value.
pub(crate) fn measured<'n>(values: impl IntoIterator<Item = (&'n str, Option<f64>)>) -> Gauges {
    values
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}
