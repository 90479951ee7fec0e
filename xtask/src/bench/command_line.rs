//! The command that made a table.

use std::env;

/// Returns the command that this process was started with, as a person types it. The path of
/// the binary is left out, because it is one of the machine's.
pub(in crate::bench) fn command_line() -> String {
    let mut words = vec!["cargo xtask".to_owned()];
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--highwater" {
            arguments.next();
        } else if !argument.starts_with("--highwater=") {
            words.push(argument);
        }
    }
    words.join(" ")
}
