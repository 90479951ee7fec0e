//! All presets by name.

use super::{preset::Preset, summary::PresetSummary};
use crate::diagnostic::{Diagnostic, SourceSpan};
use crate::suggest;

/// The presets with their files, in the order of the reference.
const PRESETS: [(&str, &str); 8] = [
    ("socket.io", include_str!("../../presets/socket.io.toml")),
    ("phoenix", include_str!("../../presets/phoenix.toml")),
    ("stomp", include_str!("../../presets/stomp.toml")),
    ("mqtt", include_str!("../../presets/mqtt.toml")),
    ("graphql-ws", include_str!("../../presets/graphql-ws.toml")),
    ("signalr", include_str!("../../presets/signalr.toml")),
    (
        "action-cable",
        include_str!("../../presets/action-cable.toml"),
    ),
    ("centrifugo", include_str!("../../presets/centrifugo.toml")),
];

/// Returns all presets, in the order of the reference.
pub fn summaries() -> Vec<PresetSummary> {
    let presets = PRESETS.iter();
    let presets = presets.map(|(name, text)| Preset::read(name, text, &SourceSpan::FILE));
    presets.map(Preset::into_summary).collect()
}

/// Returns the preset of this name. Its keys get the span of the text that names it.
pub(super) fn find(name: &str, span: &SourceSpan) -> Option<Preset> {
    let (name, text) = PRESETS.iter().find(|(known, _)| *known == name)?;
    Some(Preset::read(name, text, span))
}

/// Returns the names of all presets.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

/// Explains that no preset has this name.
pub(super) fn unknown(name: &str) -> Diagnostic {
    Diagnostic::new(format!("no preset of the name `{}`", name.escape_debug()))
        .expected(suggest::quoted_list(names()))
        .maybe_hint(suggest::did_you_mean(name, names()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnostic::DiagnosticSink, tree};

    #[test]
    fn file_of_every_preset_is_toml_and_complete() {
        for (name, text) in PRESETS {
            let mut sink = DiagnosticSink::default();
            let table = tree::parse(text, &mut sink);
            assert!(sink.is_empty(), "{name}");
            for key in ["about", "address", "path", "devices"] {
                assert!(table.get(key).is_some(), "{name}: {key}");
            }
            // The comments name the text that the frames were checked against.
            assert!(text.starts_with("# "), "{name}");
        }
    }

    #[test]
    fn every_preset_has_a_file_and_every_file_a_line() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("presets");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let mut listed: Vec<String> = names().map(|name| format!("{name}.toml")).collect();
        listed.sort();
        assert_eq!(files, listed);
    }
}
