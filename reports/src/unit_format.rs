//! Formats values by the unit of their metric.

use highwater_scenarios::metrics::Unit;
use highwater_types::format;

/// Formats a value in its unit.
pub(crate) fn with_unit(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Millis => format::millis(value),
        Unit::Seconds => format::seconds(value),
        Unit::Bytes => format::size(value),
        Unit::PerSecond => format!("{}/s", format::significant(value)),
        Unit::Share => format!("{} %", format::significant(value * 100.0)),
        Unit::Count | Unit::Ratio => format::significant(value),
    }
}
