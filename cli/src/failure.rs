//! An error of a command: the problem, its cause, a hint, and
//! the exit code that follows.
//!
//! - [`kinds`]: conversion of the libraries' errors to exit codes and hints;
//! - [`text`]: the one form in which all of them are printed.

mod kinds;
mod text;

use std::{io, path::Path};

use highwater_types::format::visible;

use crate::{exit::Exit, stderr};

/// The error that ends a command.
#[derive(Debug)]
pub(crate) struct CliFailure {
    exit: Exit,
    /// The text in the form of [`text`]; empty if there is nothing to say.
    text: String,
}

impl CliFailure {
    /// Ends with `exit` because of `error` and its causes.
    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        let text = text::error(&error.into());
        Self { exit, text }
    }

    /// Ends because of a fault of the machine or of Highwater itself.
    pub(crate) fn internal(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Exit::Internal, error)
    }

    /// Builds the error for a path that the user gave. The exit code is 2, except when
    /// the machine is at fault.
    pub(crate) fn path(action: &str, path: &Path, error: io::Error) -> Self {
        let exit = kinds::exit_for_path(&error);
        let context = format!("cannot {action} {}", path.display());
        Self::new(exit, anyhow::Error::new(error).context(context))
    }

    /// Builds the error for a result that cannot be written to standard output.
    pub(crate) fn output(error: io::Error) -> Self {
        match error.kind() {
            // The reader wanted no more, as `head` does: no message, by convention.
            io::ErrorKind::BrokenPipe => Self {
                exit: Exit::PipeClosed,
                text: String::new(),
            },
            _ => {
                let context = "cannot write the result to standard output, so it is lost";
                Self::new(Exit::Internal, anyhow::Error::new(error).context(context))
            }
        }
    }

    /// Adds a hint about the next step.
    pub(crate) fn with_hint(mut self, hint: Option<impl AsRef<str>>) -> Self {
        if let Some(hint) = hint {
            self.text.push_str(&text::labelled("hint", hint.as_ref()));
        }
        self
    }

    /// Returns the exit code.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Prints it on stderr, without characters that act on a terminal: names and reasons may
    /// come from elsewhere.
    pub(crate) fn print(&self) {
        if self.text.is_empty() {
            return;
        }
        // It may quote a file, a server or the log of a process.
        stderr::print_line(&text::paint_error(&visible(&self.text)));
    }
}
