//! The reader of a selector, character by character.

use super::{Condition, LabelMatcher};
use crate::diagnostic::Diagnostic;

/// Most matchers of one selector.
const MAX_MATCHERS: usize = 16;

/// The label that holds the name of a metric.
const NAME_LABEL: &str = "__name__";

/// The rest of a selector.
pub(super) struct Cursor<'t>(pub(super) &'t str);

impl<'t> Cursor<'t> {
    /// Reads the name of the metric and the matchers of its labels.
    pub(super) fn selector(mut self) -> Result<(String, Vec<LabelMatcher>), Diagnostic> {
        let mut metric = self.name(|c| c == ':').map(str::to_owned);
        let mut matchers = Vec::new();
        self.skip_blanks();
        if self.take("{") {
            self.matchers(&mut metric, &mut matchers)?;
            self.skip_blanks();
        }
        if !self.0.is_empty() {
            return Err(self.unexpected("the end of the selector").hint(
                "functions, ranges and operators are not known: matching series are summed, and \
                 counters become rates",
            ));
        }
        match metric {
            Some(metric) => Ok((metric, matchers)),
            None => Err(Diagnostic::new("no name of a metric")),
        }
    }

    /// Reads what stands behind `{`, up to its `}`.
    fn matchers(
        &mut self,
        metric: &mut Option<String>,
        matchers: &mut Vec<LabelMatcher>,
    ) -> Result<(), Diagnostic> {
        loop {
            self.skip_blanks();
            if self.take("}") {
                return Ok(());
            }
            self.item(metric, matchers)?;
            if matchers.len() > MAX_MATCHERS {
                return Err(Diagnostic::new(format!(
                    "more than {MAX_MATCHERS} matchers"
                )));
            }
            self.skip_blanks();
            // A comma may stand behind the last matcher as well.
            if !self.take(",") && !self.0.starts_with('}') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
    }

    /// Reads a matcher, or the name of the metric in quotes.
    fn item(
        &mut self,
        metric: &mut Option<String>,
        matchers: &mut Vec<LabelMatcher>,
    ) -> Result<(), Diagnostic> {
        let is_quoted = self.0.starts_with(['"', '\'', '`']);
        let label = match is_quoted {
            true => self.quoted()?,
            false => match self.name(|_| false) {
                Some(name) => name.to_owned(),
                None => return Err(self.unexpected("a label or `}`")),
            },
        };
        self.skip_blanks();
        // Longer operators first, because the first match counts.
        let operator = ["=~", "!~", "!=", "="].into_iter().find(|o| self.take(o));
        let Some(operator) = operator else {
            return match is_quoted {
                true => set_metric(metric, label),
                false => Err(self.unexpected("one of = != =~ !~")),
            };
        };
        self.skip_blanks();
        let value = self.quoted()?;
        if label == NAME_LABEL {
            return match operator {
                "=" => set_metric(metric, value),
                _ => Err(Diagnostic::new("a pattern in place of a metric's name")),
            };
        }
        matchers.push(LabelMatcher {
            label,
            condition: Condition::new(operator, value)?,
        });
        Ok(())
    }

    /// Reads a name of letters, digits and `_`; `is_extra` allows further characters.
    fn name(&mut self, is_extra: impl Fn(char) -> bool) -> Option<&'t str> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || is_extra(c);
        let end = self.0.find(|c| !is_name(c)).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        self.0 = rest;
        Some(name)
    }

    /// Reads a text in double or single quotes, which have escapes, or in backticks, which have
    /// none.
    fn quoted(&mut self) -> Result<String, Diagnostic> {
        let mut characters = self.0.chars();
        let quote = characters.next().filter(|c| "\"'`".contains(*c));
        let Some(quote) = quote else {
            return Err(self.unexpected("a text in quotes"));
        };
        let mut text = String::new();
        loop {
            match characters.next() {
                Some(c) if c == quote => break,
                Some('\\') if quote != '`' => match characters.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some(c @ ('\\' | '"' | '\'')) => text.push(c),
                    _ => {
                        return Err(Diagnostic::new("an unknown escape in a text")
                            .hint("write `\\\\` for a backslash, or put the text in backticks"));
                    }
                },
                Some(c) => text.push(c),
                None => return Err(Diagnostic::new("a text without its closing quote")),
            }
        }
        self.0 = characters.as_str();
        Ok(text)
    }

    fn take(&mut self, token: &str) -> bool {
        let rest = self.0.strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn skip_blanks(&mut self) {
        self.0 = self.0.trim_start();
    }

    fn unexpected(&self, expected: &str) -> Diagnostic {
        let found: String = self.0.chars().take(20).collect();
        let found = match found.as_str() {
            "" => "the end".to_owned(),
            found => format!("`{}`", found.escape_debug()),
        };
        Diagnostic::new(format!("{found} in place of {expected}"))
    }
}

fn set_metric(metric: &mut Option<String>, name: String) -> Result<(), Diagnostic> {
    if name.is_empty() {
        return Err(Diagnostic::new("an empty name of a metric"));
    }
    match metric.replace(name) {
        None => Ok(()),
        Some(_) => Err(Diagnostic::new("two names of a metric")),
    }
}
