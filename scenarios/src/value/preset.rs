//! The name of a preset, with its parameters.

use super::FixedForm;
use crate::presets::PresetChoice;

/// Accepts the name of a preset, or a table of a name and parameters.
pub(crate) const fn preset() -> FixedForm<PresetChoice> {
    FixedForm {
        expected: PresetChoice::expected,
        read: PresetChoice::read,
    }
}
