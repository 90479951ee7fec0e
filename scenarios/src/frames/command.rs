//! The request of a command and its reply, compiled.

use super::{
    address::PercentEncoded,
    matcher::Matcher,
    names::{ValueNames, ValueRef, Values},
    template::Template,
};
use crate::{
    diagnostic::Diagnostic,
    plan::{CommandLoad, HttpHeader, MatchSpec},
};

/// The texts of a command, compiled for the devices of one pool.
#[derive(Debug, Clone)]
pub struct CompiledCommand {
    path: Template,
    /// The body; `None` is that of the dialect.
    pub body: Option<Template>,
    /// Names and values of header fields.
    pub headers: Box<[(Box<str>, Template)]>,
    /// The body of a response that is as expected.
    pub expect_body: Option<Matcher>,
    /// The frame that is the reply; `None` where the response is.
    pub reply: Option<Matcher>,
}

/// The texts of a command as they are written.
#[derive(Debug, Clone, Copy)]
pub struct CommandTexts<'s> {
    /// Path below the HTTP base address.
    pub path: &'s str,
    /// The body.
    pub body: Option<&'s str>,
    /// Header fields.
    pub headers: &'s [HttpHeader],
    /// The body of a response that is as expected.
    pub expect_body: Option<&'s MatchSpec>,
    /// The frame that is the reply.
    pub reply: Option<&'s MatchSpec>,
}

impl<'s> From<&'s CommandLoad> for CommandTexts<'s> {
    fn from(load: &'s CommandLoad) -> Self {
        Self {
            path: &load.path,
            body: load.body.as_deref(),
            headers: &load.headers,
            expect_body: load.expect_body.as_ref(),
            reply: load.reply.frame(),
        }
    }
}

/// The key of a command in which a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandPlace {
    /// `path`.
    Path,
    /// `body`.
    Body,
    /// `headers`.
    Headers,
    /// `expect_body`.
    ExpectBody,
    /// `reply`.
    Reply,
}

/// A problem of a command's texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandProblem {
    /// The key that is wrong.
    pub place: CommandPlace,
    /// The problem.
    pub diagnostic: Diagnostic,
}

/// A compilation, with the problems so far.
struct Compiler<'n> {
    names: &'n mut ValueNames,
    problems: Vec<CommandProblem>,
}

impl CompiledCommand {
    /// Compiles the texts of a command; `names` are those of a pool whose devices get it.
    ///
    /// # Errors
    ///
    /// Fails with all problems of the texts.
    pub fn compile(
        texts: CommandTexts<'_>,
        names: &mut ValueNames,
    ) -> Result<Self, Vec<CommandProblem>> {
        let mut compiler = Compiler {
            names,
            problems: Vec::new(),
        };
        let path = compiler.template(CommandPlace::Path, texts.path);
        let body = texts.body;
        let body = body.and_then(|body| compiler.template(CommandPlace::Body, body));
        let headers = texts.headers.iter().filter_map(|header| {
            let value = compiler.template(CommandPlace::Headers, &header.value)?;
            Some((header.name.as_str().into(), value))
        });
        let headers = headers.collect();
        let expect_body = texts.expect_body;
        let expect_body =
            expect_body.and_then(|spec| compiler.matcher(CommandPlace::ExpectBody, spec));
        let reply = texts.reply;
        let reply = reply.and_then(|spec| compiler.matcher(CommandPlace::Reply, spec));
        let (Some(path), true) = (path, compiler.problems.is_empty()) else {
            return Err(compiler.problems);
        };
        let compiled = Self {
            path,
            body,
            headers,
            expect_body,
            reply,
        };
        match compiled.reply_problem() {
            Some(problem) => Err(vec![problem]),
            None => Ok(compiled),
        }
    }

    /// Returns the path with its values, percent-encoded: a value adds no segment and no
    /// parameter.
    pub fn path(&self, values: &dyn Values) -> String {
        let mut path = String::new();
        self.path.render(&PercentEncoded(values), &mut path);
        path
    }

    /// Returns why the frame of a reply does not show which command it answers.
    fn reply_problem(&self) -> Option<CommandProblem> {
        let reply = self.reply.as_ref()?;
        let diagnostic = if !reply.has_place_for(ValueRef::Nonce) {
            Diagnostic::new("a reply that does not show which command it answers")
                .expected("a matcher with `{nonce}`")
                .hint("send `{nonce}` in `body` and let the device's frame carry it back")
        } else if !self.sends_nonce() {
            Diagnostic::new("a reply with a `{nonce}` that the request does not contain")
                .expected("`{nonce}` in `body`, `path` or `headers`")
        } else {
            return None;
        };
        Some(CommandProblem {
            place: CommandPlace::Reply,
            diagnostic,
        })
    }

    fn sends_nonce(&self) -> bool {
        let mut headers = self.headers.iter();
        self.path.uses(ValueRef::Nonce)
            || headers.any(|(_, value)| value.uses(ValueRef::Nonce))
            // The dialect's own body carries it.
            || self.body.as_ref().is_none_or(|body| body.uses(ValueRef::Nonce))
    }
}

impl Compiler<'_> {
    fn template(&mut self, place: CommandPlace, text: &str) -> Option<Template> {
        let compiled = Template::parse(text, self.names);
        let compiled = compiled.and_then(|template| match template.uses(ValueRef::Ref) {
            // The socket counts it, and the request does not go over the socket.
            true => Err(Diagnostic::new("a command has no `{ref}`").hint("write `{nonce}`")),
            false => Ok(template),
        });
        self.checked(place, compiled)
    }

    fn matcher(&mut self, place: CommandPlace, spec: &MatchSpec) -> Option<Matcher> {
        let compiled = Matcher::compile(spec, self.names);
        let compiled = compiled.and_then(|matcher| match matcher.has_place_for(ValueRef::Ref) {
            true => Err(Diagnostic::new("a command has no `{ref}`").hint("write `{nonce}`")),
            false => Ok(matcher),
        });
        self.checked(place, compiled)
    }

    fn checked<T>(&mut self, place: CommandPlace, compiled: Result<T, Diagnostic>) -> Option<T> {
        let problem = |diagnostic| CommandProblem { place, diagnostic };
        compiled
            .map_err(|diagnostic| self.problems.push(problem(diagnostic)))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample;

    impl Values for Sample {
        fn append(&self, _: ValueRef, out: &mut String) {
            out.push_str("a/b?c");
        }
    }

    #[test]
    fn value_stays_within_its_segment_of_the_path() {
        let texts = CommandTexts {
            path: "/devices/{device}/x?y=1",
            body: None,
            headers: &[],
            expect_body: None,
            reply: None,
        };
        let command = CompiledCommand::compile(texts, &mut ValueNames::default()).unwrap();
        assert_eq!(command.path(&Sample), "/devices/a%2Fb%3Fc/x?y=1");
    }

    fn compile(path: &str, body: Option<&str>, reply: &str) -> Result<(), CommandPlace> {
        let texts = CommandTexts {
            path,
            body,
            headers: &[],
            expect_body: None,
            reply: Some(&MatchSpec::Text(reply.to_owned())),
        };
        let compiled = CompiledCommand::compile(texts, &mut ValueNames::default());
        compiled.map(drop).map_err(|problems| problems[0].place)
    }

    #[test]
    fn reply_is_told_by_a_nonce_that_the_request_sends() {
        assert_eq!(compile("/", None, "done {nonce}"), Ok(()));
        assert_eq!(compile("/{nonce}", Some("x"), "done {nonce}"), Ok(()));
        let reply = Err(CommandPlace::Reply);
        assert_eq!(compile("/", Some("x"), "done {nonce}"), reply);
        assert_eq!(compile("/", None, "done"), reply);
        assert_eq!(compile("/", None, "done {ref}"), reply);
        assert_eq!(
            compile("/{ref}", None, "done {nonce}"),
            Err(CommandPlace::Path)
        );
    }
}
