//! A preset as a list shows it.

/// A preset as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresetSummary {
    /// The name in `[target] preset`.
    pub name: &'static str,
    /// The protocol in a sentence.
    pub about: String,
    /// The parameters: name, default and meaning.
    pub parameters: Vec<(String, String, String)>,
}
