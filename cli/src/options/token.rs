//! The token of a run with local workers, which their coordinator sets.

use anyhow::anyhow;
use clap::Args;

use crate::{exit::Exit, failure::CliFailure};

/// Fewest characters of a token. With 16 letters and digits, guessing over the network takes
/// longer than any run.
const MIN_TOKEN_CHARS: usize = 16;

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// The secret that the coordinator of a local worker has set.
    // Checked after it is parsed, because an error of the parser would show it.
    #[arg(long, env = "HIGHWATER_TOKEN", hide = true, default_value = "")]
    token: String,
}

impl TokenArgs {
    /// Returns the token, if it is long enough.
    pub(crate) fn into_token(self) -> Result<String, CliFailure> {
        let length = self.token.chars().count();
        if length >= MIN_TOKEN_CHARS && self.token.trim() == self.token {
            return Ok(self.token);
        }
        let error = match length < MIN_TOKEN_CHARS {
            true => {
                anyhow!("invalid token of {length} characters: expected {MIN_TOKEN_CHARS} or more")
            }
            false => anyhow!("invalid token: expected no blanks around it"),
        };
        let hint = "`highwater run` starts its own workers; others join over a bus: highwater \
                    worker --bus nats://HOST --run RUN";
        Err(CliFailure::new(Exit::Usage, error).with_hint(Some(hint)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_token_is_refused_and_not_shown() {
        let token = |text: &str| {
            let token = text.to_owned();
            TokenArgs { token }.into_token()
        };
        assert_eq!(token("0123456789abcdef").unwrap(), "0123456789abcdef");
        for short in ["", " ", "x", "0123456789abcde", " 0123456789abcde"] {
            assert_eq!(token(short).unwrap_err().exit(), Exit::Usage, "{short:?}");
        }
        let error = format!("{:?}", token("s3cr3t").unwrap_err());
        assert!(!error.contains("s3cr3t"), "{error}");
    }
}
