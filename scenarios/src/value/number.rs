//! Whole numbers.

use highwater_types::format;

use super::{Accepts, ValueType};
use crate::{
    diagnostic::Diagnostic,
    tree::{TomlItem, TomlValue},
};

/// A whole number without a unit.
#[derive(Debug)]
pub(crate) struct Count {
    min: u64,
    max: u64,
}

/// Accepts a whole number from `min` to `max`.
pub(crate) const fn count(min: u64, max: u64) -> Count {
    Count { min, max }
}

impl Accepts for Count {
    fn expected(&self) -> String {
        format!(
            "a whole number from {} to {}",
            format::toml_integer(self.min),
            format::toml_integer(self.max)
        )
    }
}

impl ValueType<u64> for Count {
    fn read(&self, item: &TomlItem) -> Result<u64, Diagnostic> {
        let number = match &item.value {
            TomlValue::Integer(number) => *number,
            TomlValue::Text(text) if text.trim().parse::<u64>().is_ok() => {
                let hint = format!("write {} without quotes", text.trim());
                return Err(Diagnostic::new("text instead of a number").hint(hint));
            }
            _ => return Err(Diagnostic::new("not a whole number")),
        };
        u64::try_from(number)
            .ok()
            .filter(|number| (self.min..=self.max).contains(number))
            .ok_or_else(|| Diagnostic::new("out of range"))
    }
}

impl ValueType<u32> for Count {
    fn read(&self, item: &TomlItem) -> Result<u32, Diagnostic> {
        let number: u64 = self.read(item)?;
        // Declarations for 32 bits have smaller bounds; this only guards them.
        u32::try_from(number).map_err(|_| Diagnostic::new("out of range"))
    }
}
