//! Command-line arguments and environment variables of a process.

use std::ffi::OsString;

/// Arguments and environment variables that are added to a launch.
#[derive(Debug, Default)]
pub(super) struct LaunchArgs {
    /// Command-line arguments.
    pub(super) arguments: Vec<OsString>,
    /// Environment variables. Secrets go here, because every user of the machine can read
    /// the command line of a process.
    pub(super) env: Vec<(OsString, OsString)>,
}

impl LaunchArgs {
    /// Arguments without environment variables.
    pub(super) fn new(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            arguments: arguments.into_iter().map(Into::into).collect(),
            env: Vec::new(),
        }
    }

    /// Adds an option and its value.
    pub(super) fn push_option(&mut self, name: &str, value: impl Into<OsString>) {
        self.arguments.extend([name.into(), value.into()]);
    }

    /// Adds the arguments and variables of `other` behind these.
    pub(super) fn extend(&mut self, other: Self) {
        self.arguments.extend(other.arguments);
        self.env.extend(other.env);
    }
}
