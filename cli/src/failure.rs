//! Why a command came to nothing: what happened, why, what to do about it, and
//! the exit code that follows.
//!
//! - [`kinds`]: from the libraries' errors to exit codes and hints;
//! - [`text`]: the one form in which all of them are printed.

mod kinds;
mod text;

use std::{io, path::Path};

use crate::{exit::Exit, paint::colour_on_stderr};

/// Why a command came to nothing.
#[derive(Debug)]
pub(crate) struct CliFailure {
    exit: Exit,
    /// In the form of [`text`].
    text: String,
}

impl CliFailure {
    /// Ends with `exit` because of `error` and its causes.
    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        let text = text::error(&error.into());
        Self { exit, text }
    }

    /// Something cannot be done with a path that a person gave: their mistake,
    /// unless the machine is to blame.
    pub(crate) fn path(action: &str, path: &Path, error: io::Error) -> Self {
        let exit = kinds::exit_for_path(&error);
        let what = format!("cannot {action} {}", path.display());
        Self::new(exit, anyhow::Error::new(error).context(what))
    }

    /// The same, with what the person can do about it.
    pub(crate) fn with_hint(mut self, hint: Option<String>) -> Self {
        if let Some(hint) = hint {
            self.text.push_str(&text::labelled("hint", &hint));
        }
        self
    }

    /// What the program ends with.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Prints it on stderr.
    pub(crate) fn print(&self) {
        eprintln!("{}", text::paint_error(&self.text, colour_on_stderr()));
    }
}
