//! The placeholders that a template may use, and the values behind them.

use crate::{diagnostic::Diagnostic, suggest};

/// A value that a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueRef {
    /// `{device}`: the device's id.
    Device,
    /// `{n}`: the device's number within its pool, from 0.
    Number,
    /// `{ref}`: the number of a frame that expects an answer, counted per socket.
    Ref,
    /// `{nonce}`: a random text of the message or command.
    Nonce,
    /// `{now_ms}`: milliseconds since 1970.
    NowMs,
    /// `{worker}`: the worker's number, from 0.
    Worker,
    /// A column of the pool's data file, by its number.
    Column(usize),
    /// A value that was taken from an answer, by its number.
    Taken(usize),
    /// `${NAME}`: a variable of the environment, by its number.
    Environment(usize),
}

/// The placeholders that every template knows.
const BUILT_IN: [(&str, ValueRef); 6] = [
    ("device", ValueRef::Device),
    ("n", ValueRef::Number),
    ("ref", ValueRef::Ref),
    ("nonce", ValueRef::Nonce),
    ("now_ms", ValueRef::NowMs),
    ("worker", ValueRef::Worker),
];

/// The values of one socket at one moment.
pub trait Values {
    /// Appends a value; one that is not known yet appends nothing.
    fn append(&self, value: ValueRef, out: &mut String);
}

/// The names of a pool's own values, each list in the order of its numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValueNames {
    /// The columns of the data file.
    pub columns: Vec<String>,
    /// The values that answers give.
    pub taken: Vec<String>,
    /// The variables of the environment, as they were met.
    pub environment: Vec<String>,
}

/// Whether every template knows `{name}`.
pub(crate) fn is_built_in(name: &str) -> bool {
    BUILT_IN.iter().any(|(known, _)| *known == name)
}

impl ValueNames {
    /// Whether every template knows `{name}`.
    pub fn is_built_in(name: &str) -> bool {
        BUILT_IN.iter().any(|(known, _)| *known == name)
    }

    /// Returns the value behind `{name}`.
    ///
    /// # Errors
    ///
    /// Fails when nothing has this name.
    pub fn resolve(&self, name: &str) -> Result<ValueRef, Diagnostic> {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        let column = || self.columns.iter().position(|column| column == name);
        let taken = || self.taken.iter().position(|taken| taken == name);
        built_in
            .map(|(_, value)| *value)
            // A value of this very session is newer than that of the file.
            .or_else(|| taken().map(ValueRef::Taken))
            .or_else(|| column().map(ValueRef::Column))
            .ok_or_else(|| self.unknown(name))
    }

    /// Returns the value behind `${name}`.
    pub fn environment(&mut self, name: &str) -> ValueRef {
        let known = self.environment.iter().position(|known| known == name);
        ValueRef::Environment(known.unwrap_or_else(|| {
            self.environment.push(name.to_owned());
            self.environment.len() - 1
        }))
    }

    /// Returns the number of the taken value `name`, and adds it if it is new.
    pub fn taken(&mut self, name: &str) -> usize {
        let known = self.taken.iter().position(|known| known == name);
        known.unwrap_or_else(|| {
            self.taken.push(name.to_owned());
            self.taken.len() - 1
        })
    }

    fn unknown(&self, name: &str) -> Diagnostic {
        let names = || {
            let built_in = BUILT_IN.iter().map(|(known, _)| *known);
            let own = self.taken.iter().chain(&self.columns).map(String::as_str);
            built_in.chain(own)
        };
        let nearest = suggest::did_you_mean(name, names());
        Diagnostic::new(format!("an unknown placeholder `{{{name}}}`"))
            .expected(suggest::quoted_list(names()))
            .hint(nearest.unwrap_or_else(|| format!("the text itself is written `{{{{{name}}}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_value_hides_a_column_of_its_name() {
        let names = ValueNames {
            columns: vec!["token".to_owned(), "pass".to_owned()],
            taken: vec!["token".to_owned()],
            environment: Vec::new(),
        };
        assert_eq!(names.resolve("token"), Ok(ValueRef::Taken(0)));
        assert_eq!(names.resolve("pass"), Ok(ValueRef::Column(1)));
        let problem = names.resolve("tokem").unwrap_err();
        assert_eq!(problem.hint.as_deref(), Some("did you mean `token`?"));
    }

    #[test]
    fn variable_of_the_environment_keeps_its_number() {
        let mut names = ValueNames::default();
        assert_eq!(names.environment("A"), ValueRef::Environment(0));
        assert_eq!(names.environment("B"), ValueRef::Environment(1));
        assert_eq!(names.environment("A"), ValueRef::Environment(0));
    }
}
