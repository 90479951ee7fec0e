//! The frames of a message of a device and of its answers, compiled.

use super::{
    compiled::CompiledFrame,
    matcher::Matcher,
    names::{ValueNames, ValueRef, Values},
    received::ReceivedFrame,
};
use crate::{
    diagnostic::Diagnostic,
    plan::{FrameSpec, MatchSpec, MessageLoad},
};

/// A message and the matchers of its answers.
#[derive(Debug, Clone)]
pub struct CompiledExchange {
    /// The frame to send.
    pub send: CompiledFrame,
    /// The answers; `None` where none is expected.
    pub answers: Option<AnswerMatchers>,
}

/// The matchers of the answers to a message.
#[derive(Debug, Clone)]
pub struct AnswerMatchers {
    /// The way in which an answer finds its message.
    pub correlation: Correlation,
    expect: Matcher,
    reject: Option<Matcher>,
}

/// The way in which an answer finds its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correlation {
    /// The answer carries the message's `{ref}`.
    Ref,
    /// The answer carries the message's `{nonce}`.
    Nonce,
    /// The answer carries neither: a socket has one message in flight, which it answers.
    InOrder,
}

/// An answer of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    /// The expected answer.
    Expected,
    /// The answer of a system that rejects the message.
    Rejected,
}

/// The key of a load in which a frame or a matcher stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangePlace {
    /// `send`.
    Send,
    /// `expect`.
    Expect,
    /// `reject`.
    Reject,
}

/// A problem of a message or of its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeProblem {
    /// The key that is wrong.
    pub place: ExchangePlace,
    /// The problem.
    pub diagnostic: Diagnostic,
}

/// The frames of a load as they are written.
#[derive(Debug, Clone, Copy)]
pub struct ExchangeSpec<'s> {
    /// The frame to send.
    pub send: &'s FrameSpec,
    /// The answer.
    pub expect: Option<&'s MatchSpec>,
    /// The answer of a system that rejects the message.
    pub reject: Option<&'s MatchSpec>,
}

impl<'s> From<&'s MessageLoad> for ExchangeSpec<'s> {
    fn from(load: &'s MessageLoad) -> Self {
        Self {
            send: &load.send,
            expect: load.expect.as_ref(),
            reject: load.reject.as_ref(),
        }
    }
}

impl CompiledExchange {
    /// Compiles the frames of a load; `names` are those of its pool.
    ///
    /// # Errors
    ///
    /// Fails with all problems of the frames.
    pub fn compile(
        spec: ExchangeSpec<'_>,
        names: &mut ValueNames,
    ) -> Result<Self, Vec<ExchangeProblem>> {
        let mut problems = Vec::new();
        let mut report = |place, diagnostic| problems.push(ExchangeProblem { place, diagnostic });
        let send = CompiledFrame::compile(spec.send, names);
        let send = send.map_err(|diagnostic| report(ExchangePlace::Send, diagnostic));
        let expect = spec.expect.map(|spec| Matcher::compile(spec, names));
        let expect = expect.transpose();
        let expect = expect.map_err(|diagnostic| report(ExchangePlace::Expect, diagnostic));
        let reject = spec.reject.map(|spec| Matcher::compile(spec, names));
        let reject = reject.transpose();
        let reject = reject.map_err(|diagnostic| report(ExchangePlace::Reject, diagnostic));
        let (Ok(send), Ok(expect), Ok(reject)) = (send, expect, reject) else {
            return Err(problems);
        };
        let answers = match expect {
            Some(expect) => match AnswerMatchers::new(&send, expect, reject) {
                Ok(answers) => Some(answers),
                Err(problem) => return Err(vec![problem]),
            },
            None if reject.is_some() => {
                report(
                    ExchangePlace::Reject,
                    Diagnostic::new("`reject` without `expect`")
                        .expected("`expect`, the answer of a system that accepts the message"),
                );
                return Err(problems);
            }
            None => None,
        };
        Ok(Self { send, answers })
    }
}

impl AnswerMatchers {
    fn new(
        send: &CompiledFrame,
        expect: Matcher,
        reject: Option<Matcher>,
    ) -> Result<Self, ExchangeProblem> {
        let problem = |place, diagnostic| ExchangeProblem { place, diagnostic };
        let correlation = Correlation::of(&expect)
            .map_err(|diagnostic| problem(ExchangePlace::Expect, diagnostic))?;
        if let Some(value) = correlation.value()
            && !send.uses(value)
        {
            let name = correlation.placeholder();
            let message = format!("an answer with a `{name}` that `send` does not contain");
            let diagnostic = Diagnostic::new(message).expected(format!("`{name}` in both"));
            return Err(problem(ExchangePlace::Expect, diagnostic));
        }
        if let Some(reject) = &reject {
            let other = Correlation::of(reject)
                .map_err(|diagnostic| problem(ExchangePlace::Reject, diagnostic))?;
            if other != correlation {
                let message = "`reject` finds its message in another way than `expect`";
                let expected = match correlation {
                    Correlation::InOrder => "neither `{ref}` nor `{nonce}`, as in `expect`".into(),
                    _ => format!("`{}`, as in `expect`", correlation.placeholder()),
                };
                let diagnostic = Diagnostic::new(message).expected(expected);
                return Err(problem(ExchangePlace::Reject, diagnostic));
            }
        }
        Ok(Self {
            correlation,
            expect,
            reject,
        })
    }

    /// Returns which answer a frame is, for a socket whose values are `values`. The key is that
    /// of the message that it answers; `None` for [`Correlation::InOrder`].
    pub fn read(
        &self,
        frame: &ReceivedFrame<'_>,
        values: &dyn Values,
    ) -> Option<(AnswerKind, Option<ExchangeKey>)> {
        let key = |matcher: &Matcher| match self.correlation.value() {
            Some(value) => {
                let text = matcher.capture(frame, value, values)?;
                Some(Some(self.correlation.parse_key(&text)?))
            }
            None => matcher.matches(frame, values).then_some(None),
        };
        // A message that is rejected is not answered as well, should both match.
        let rejected = self.reject.as_ref().and_then(key);
        let rejected = rejected.map(|key| (AnswerKind::Rejected, key));
        rejected.or_else(|| key(&self.expect).map(|key| (AnswerKind::Expected, key)))
    }
}

/// The number that tells a message of a socket from others: its `{ref}`, or the bits of its
/// `{nonce}`.
pub type ExchangeKey = u64;

/// Returns the text of a `{nonce}`.
pub fn nonce_text(nonce: u64) -> String {
    format!("{nonce:016x}")
}

impl Correlation {
    /// Returns the way in which frames of `matcher` find their message.
    fn of(matcher: &Matcher) -> Result<Self, Diagnostic> {
        let has = |value| matcher.has_place_for(value);
        match (has(ValueRef::Ref), has(ValueRef::Nonce)) {
            (true, true) => Err(Diagnostic::new("both `{ref}` and `{nonce}`")
                .expected("one of them")
                .hint("either tells an answer from others")),
            (true, false) => Ok(Self::Ref),
            (false, true) => Ok(Self::Nonce),
            (false, false) => Ok(Self::InOrder),
        }
    }

    fn value(self) -> Option<ValueRef> {
        match self {
            Self::Ref => Some(ValueRef::Ref),
            Self::Nonce => Some(ValueRef::Nonce),
            Self::InOrder => None,
        }
    }

    fn placeholder(self) -> &'static str {
        match self {
            Self::Nonce => "{nonce}",
            Self::Ref | Self::InOrder => "{ref}",
        }
    }

    /// Returns the key that stands in a frame as `text`.
    fn parse_key(self, text: &str) -> Option<ExchangeKey> {
        match self {
            Self::Nonce => {
                let key = u64::from_str_radix(text, 16).ok()?;
                (nonce_text(key) == text).then_some(key)
            }
            Self::Ref | Self::InOrder => text.parse().ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::JsonExpectation;

    struct NoValues;

    impl Values for NoValues {
        fn append(&self, _: ValueRef, _: &mut String) {}
    }

    fn json(tests: &[(&str, &str)]) -> MatchSpec {
        let test = |(path, text): &(&str, &str)| {
            let text = JsonExpectation::Text((*text).to_owned());
            ((*path).to_owned(), text)
        };
        MatchSpec::Json(tests.iter().map(test).collect())
    }

    fn compile(
        send: &str,
        expect: Option<MatchSpec>,
        reject: Option<MatchSpec>,
    ) -> Result<CompiledExchange, Vec<ExchangeProblem>> {
        let spec = ExchangeSpec {
            send: &FrameSpec::Text(send.to_owned()),
            expect: expect.as_ref(),
            reject: reject.as_ref(),
        };
        CompiledExchange::compile(spec, &mut ValueNames::default())
    }

    #[test]
    fn answer_is_expected_or_rejected_and_names_its_message() {
        let phoenix = compile(
            r#"["1","{ref}","t","shout",{}]"#,
            Some(json(&[("1", "{ref}"), ("4.status", "ok")])),
            Some(json(&[("1", "{ref}"), ("4.status", "error")])),
        );
        let answers = phoenix.unwrap().answers.unwrap();
        assert_eq!(answers.correlation, Correlation::Ref);
        let read = |status: &str| {
            let text = format!(r#"["1","12","t","phx_reply",{{"status":"{status}"}}]"#);
            answers.read(&ReceivedFrame::from_text(&text), &NoValues)
        };
        assert_eq!(read("ok"), Some((AnswerKind::Expected, Some(12))));
        assert_eq!(read("error"), Some((AnswerKind::Rejected, Some(12))));
        assert_eq!(read("later"), None);
    }

    #[test]
    fn nonce_is_read_from_its_own_text_only() {
        let echo = compile(
            "{nonce}",
            Some(MatchSpec::Text("echo {nonce}".into())),
            None,
        );
        let answers = echo.unwrap().answers.unwrap();
        let read = |text: &str| answers.read(&ReceivedFrame::from_text(text), &NoValues);
        let text = format!("echo {}", nonce_text(255));
        assert_eq!(read(&text), Some((AnswerKind::Expected, Some(255))));
        assert_eq!(read("echo ff"), None);
    }

    #[test]
    fn answers_that_find_no_message_are_errors() {
        let text = |text: &str| Some(MatchSpec::Text(text.to_owned()));
        for (send, expect, reject, place) in [
            ("{ref}", text("{nonce}"), None, ExchangePlace::Expect),
            (
                "{ref}{nonce}",
                text("{ref} {nonce}"),
                None,
                ExchangePlace::Expect,
            ),
            ("x", None, text("no"), ExchangePlace::Reject),
            ("{ref}", text("{ref}"), text("no"), ExchangePlace::Reject),
            ("{refs}", text("ok"), None, ExchangePlace::Send),
        ] {
            let problems = compile(send, expect, reject).unwrap_err();
            assert_eq!(problems[0].place, place, "{send}");
        }
        assert!(compile("x", text("ok"), text("no")).is_ok());
    }
}
