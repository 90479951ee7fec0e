//! Errors as text.

/// Returns an error with all its causes, in one line.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        // Some libraries show their cause in their own message as well.
        if !text.ends_with(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error("cannot connect")]
        Plain(#[source] io::Error),
        #[error("cannot connect: {0}")]
        WithCause(#[source] io::Error),
    }

    #[test]
    fn each_cause_appears_once() {
        for failure in [Failure::Plain, Failure::WithCause] {
            let error = failure(io::Error::other("refused"));
            assert_eq!(error_chain(&error), "cannot connect: refused");
        }
    }
}
