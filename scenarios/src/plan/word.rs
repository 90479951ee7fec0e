//! Enums whose values a scenario writes as words.

use std::fmt::Debug;

use strum::VariantArray;

/// An enum whose every variant is a word. It derives `strum::VariantArray` and
/// `strum::IntoStaticStr`, in the same case as for serde.
pub(crate) trait Word: VariantArray + Copy + Debug + PartialEq {
    /// Returns the word of this value.
    fn as_str(self) -> &'static str;
}

impl<W: VariantArray + Copy + Debug + PartialEq + Into<&'static str>> Word for W {
    fn as_str(self) -> &'static str {
        self.into()
    }
}
