//! Colour: on a terminal only, and not where `NO_COLOR` forbids it.

use std::io::IsTerminal;

use console::Style;

/// The meaning of a piece of text, from which its colour follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Ordinary text.
    Plain,
    /// The value to read first.
    Strong,
    /// Labels and what is there just in case.
    Faint,
    /// A part that moves.
    Active,
    /// A warning.
    Warning,
    /// An error.
    Bad,
}

/// Whether stderr takes colour.
pub(crate) fn colour_on_stderr() -> bool {
    std::io::stderr().is_terminal() && console::colors_enabled_stderr()
}

/// `text` in its tone, or as it is where there is no `colour`.
pub(crate) fn paint(text: &str, tone: Tone, colour: bool) -> String {
    let style = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Strong => Style::new().bold(),
        Tone::Faint => Style::new().dim(),
        Tone::Active => Style::new().cyan(),
        Tone::Warning => Style::new().yellow(),
        Tone::Bad => Style::new().red().bold(),
    };
    style.force_styling(colour).apply_to(text).to_string()
}
