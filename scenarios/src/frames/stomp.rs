//! The texts of a pool's sessions of STOMP, compiled.

use super::{
    names::{ValueNames, Values},
    template::Template,
};
use crate::{
    diagnostic::Diagnostic,
    plan::{StompAck, StompSpec, StompSubscription},
};

/// The texts of a pool's sessions.
#[derive(Debug, Clone)]
pub struct CompiledStomp {
    host: Template,
    login: Option<Template>,
    passcode: Option<Template>,
    subscriptions: Box<[(Template, StompAck)]>,
}

/// The key in which a text stands. Lists count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StompPlace {
    /// `host` of the target.
    Host,
    /// `login` of the target.
    Login,
    /// `passcode` of the target.
    Passcode,
    /// `destination` of a subscription of the pool.
    Destination(usize),
}

/// A problem of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StompProblem {
    /// The key that is wrong.
    pub place: StompPlace,
    /// The problem.
    pub diagnostic: Diagnostic,
}

/// The texts of one session, with its values.
#[derive(Clone, PartialEq, Eq)]
pub struct StompTexts {
    /// The virtual host.
    pub host: String,
    /// The user's name.
    pub login: Option<String>,
    /// The user's password.
    pub passcode: Option<String>,
    /// Destinations, and the acknowledgement of their messages.
    pub subscriptions: Vec<(String, StompAck)>,
}

impl CompiledStomp {
    /// Compiles the texts of a pool.
    ///
    /// # Errors
    ///
    /// Fails with all problems of the texts.
    pub fn compile(
        spec: &StompSpec,
        subscriptions: &[StompSubscription],
        names: &mut ValueNames,
    ) -> Result<Self, Vec<StompProblem>> {
        let mut problems = Vec::new();
        let mut compile = |place, text: &str| match Template::parse_outside_of_frames(text, names) {
            Ok(template) => Some(template),
            Err(diagnostic) => {
                problems.push(StompProblem { place, diagnostic });
                None
            }
        };
        let host = compile(StompPlace::Host, &spec.host);
        let mut optional = |place, text: &Option<String>| compile(place, text.as_deref()?);
        let login = optional(StompPlace::Login, &spec.login);
        let passcode = optional(StompPlace::Passcode, &spec.passcode);
        let subscriptions = subscriptions
            .iter()
            .enumerate()
            .filter_map(|(index, spec)| {
                let place = StompPlace::Destination(index);
                Some((compile(place, &spec.destination)?, spec.ack))
            });
        let subscriptions = subscriptions.collect();
        match host {
            Some(host) if problems.is_empty() => Ok(Self {
                host,
                login,
                passcode,
                subscriptions,
            }),
            _ => Err(problems),
        }
    }

    /// Returns the texts with their values.
    pub fn texts(&self, values: &dyn Values) -> StompTexts {
        let text = |template: &Template| {
            let mut text = String::new();
            template.render(values, &mut text);
            text
        };
        let subscriptions = self.subscriptions.iter();
        StompTexts {
            host: text(&self.host),
            login: self.login.as_ref().map(text),
            passcode: self.passcode.as_ref().map(text),
            subscriptions: subscriptions
                .map(|(destination, ack)| (text(destination), *ack))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::names::ValueRef;

    struct Sample;

    impl Values for Sample {
        fn append(&self, value: ValueRef, out: &mut String) {
            out.push_str(match value {
                ValueRef::Device => "phone-7",
                ValueRef::Environment(0) => "s3cret",
                _ => "",
            });
        }
    }

    #[test]
    fn texts_have_their_values() {
        let spec = StompSpec {
            host: "/".to_owned(),
            login: Some("{device}".to_owned()),
            passcode: Some("${PASS}".to_owned()),
            ack: StompAck::Auto,
        };
        let subscription = StompSubscription {
            destination: "/user/{device}/queue".to_owned(),
            ack: StompAck::Client,
        };
        let mut names = ValueNames::default();
        let compiled = CompiledStomp::compile(&spec, &[subscription], &mut names).unwrap();
        assert_eq!(names.environment, ["PASS"]);
        let texts = compiled.texts(&Sample);
        assert_eq!(texts.login.as_deref(), Some("phone-7"));
        assert_eq!(texts.passcode.as_deref(), Some("s3cret"));
        let expected = ("/user/phone-7/queue".to_owned(), StompAck::Client);
        assert_eq!(texts.subscriptions, [expected]);
    }

    #[test]
    fn every_problem_has_its_place() {
        let spec = StompSpec {
            host: "{hots}".to_owned(),
            login: Some("{nonce}".to_owned()),
            ..StompSpec::default()
        };
        let subscription = StompSubscription {
            destination: "{room}".to_owned(),
            ack: StompAck::Auto,
        };
        let problems =
            CompiledStomp::compile(&spec, &[subscription], &mut ValueNames::default()).unwrap_err();
        let places: Vec<_> = problems.iter().map(|problem| problem.place).collect();
        let expected = [
            StompPlace::Host,
            StompPlace::Login,
            StompPlace::Destination(0),
        ];
        assert_eq!(places, expected);
    }
}
