//! `answer` of a pool: frames of the server that its sockets answer.

use crate::{
    plan,
    value::{frame, matcher},
};

section! {
    /// A frame of the server, and the frame that answers it: the first that fits. As
    /// `answer = [{ to = { text = "2" }, send = "3" }]` in `[[devices]]`.
    pub(crate) struct AnswerSection = "[[devices.answer]]";

    /// Frame of the server.
    pub(crate) to: plan::MatchSpec = matcher(), required;

    /// Answer.
    pub(crate) send: plan::FrameSpec = frame(), required;
}

impl AnswerSection {
    pub(crate) fn resolve(&self) -> Option<plan::AnswerRule> {
        Some(plan::AnswerRule {
            to: self.to.value.clone()?,
            send: self.send.value.clone()?,
        })
    }
}
