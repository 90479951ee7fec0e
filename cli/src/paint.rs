//! Colour: on a terminal only, and not where `NO_COLOR` forbids it.

use std::io::IsTerminal;

use console::Style;

/// What a piece of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing in particular.
    Plain,
    /// What the eye should find first.
    Strong,
    /// Labels and what is there just in case.
    Faint,
    /// What moves.
    Active,
    /// What deserves a look.
    Warning,
    /// What went wrong.
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
