//! The placeholders that a template may use, and the values behind them.

use crate::{diagnostic::Diagnostic, plan::DevicePool, suggest};

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
    /// The values that answers give: first those of the login, then those of frames.
    pub taken: Vec<String>,
    /// The number of values that the login gives.
    pub of_login: usize,
    /// The variables of the environment, as they were met.
    pub environment: Vec<String>,
}

impl ValueNames {
    /// Returns the names of the values that a pool's devices have before their sockets open.
    pub fn of_pool(pool: &DevicePool) -> Self {
        let columns = pool.data.as_ref().map(|data| data.columns.clone());
        let taken = pool.login.iter().flat_map(|login| &login.take);
        let taken: Vec<String> = taken.map(|take| take.name.clone()).collect();
        Self {
            columns: columns.unwrap_or_default(),
            of_login: taken.len(),
            taken,
            environment: Vec::new(),
        }
    }

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
        // The last of a name: a frame comes after the login.
        let taken = || self.taken.iter().rposition(|taken| taken == name);
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

    /// Returns the place of the value `name` among those that a socket takes from frames, and
    /// adds it if it is new.
    pub fn place_of_frame_value(&mut self, name: &str) -> usize {
        let mut of_frames = self.taken.iter().skip(self.of_login);
        let known = of_frames.position(|known| known == name);
        known.unwrap_or_else(|| {
            self.taken.push(name.to_owned());
            self.frame_value_count() - 1
        })
    }

    /// Returns the number of values that a socket takes from frames.
    pub fn frame_value_count(&self) -> usize {
        self.taken.len() - self.of_login
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
            of_login: 1,
            environment: Vec::new(),
        };
        assert_eq!(names.resolve("token"), Ok(ValueRef::Taken(0)));
        assert_eq!(names.resolve("pass"), Ok(ValueRef::Column(1)));
        let mut with_frames = names.clone();
        assert_eq!(with_frames.place_of_frame_value("token"), 0);
        assert_eq!(with_frames.resolve("token"), Ok(ValueRef::Taken(1)));
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
