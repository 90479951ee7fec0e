//! The frames of a pool, compiled together.

use std::time::Duration;

use super::{
    hex::HexTemplate,
    matcher::Matcher,
    mqtt::MqttTemplate,
    names::{ValueNames, ValueRef, Values},
    take::Take,
    template::Template,
};
use crate::{
    diagnostic::Diagnostic,
    plan::{FrameSpec, HeartbeatFrames, MatchSpec, OpenStep, PoolFrames},
};

/// The frames of a pool, compiled.
#[derive(Debug, Clone, Default)]
pub struct CompiledFrames {
    /// The text between several messages in one frame of the server.
    pub separator: Option<Box<str>>,
    /// Whether binary frames are a stream of MQTT's packets.
    pub is_mqtt: bool,
    /// The steps after the handshake.
    pub open: Box<[CompiledStep]>,
    /// The answers to frames of the server.
    pub answers: Box<[CompiledAnswer]>,
    /// The heartbeat; `None` is a WebSocket ping.
    pub heartbeat: Option<CompiledHeartbeat>,
    /// The frames that count as received messages.
    pub count_messages: Option<Matcher>,
    /// The frames before the close frame.
    pub close: Box<[CompiledFrame]>,
}

/// A frame to send, compiled.
#[derive(Debug, Clone)]
pub enum CompiledFrame {
    /// A text frame.
    Text(Template),
    /// A binary frame.
    Hex(HexTemplate),
    /// A binary frame with a packet of MQTT.
    Mqtt(MqttTemplate),
}

/// A step of the opening, compiled.
#[derive(Debug, Clone)]
pub struct CompiledStep {
    /// The frame to send first.
    pub send: Option<CompiledFrame>,
    /// The frame to wait for.
    pub expect: Option<Matcher>,
    /// Most time to wait.
    pub within: Duration,
    /// The values to take from the expected frame.
    pub take: Box<[Take]>,
}

/// An answer to a frame of the server, compiled.
#[derive(Debug, Clone)]
pub struct CompiledAnswer {
    /// The frame of the server.
    pub to: Matcher,
    /// The answer.
    pub send: CompiledFrame,
}

/// A heartbeat other than a WebSocket ping, compiled.
#[derive(Debug, Clone)]
pub enum CompiledHeartbeat {
    /// The socket sends, and the server answers.
    Send {
        /// The frame to send.
        send: CompiledFrame,
        /// The answer; `None` for a heartbeat without one.
        expect: Option<Matcher>,
    },
    /// The server sends.
    Watch(Matcher),
}

/// The key of a pool in which a frame or a matcher stands. Lists count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FramePlace {
    /// `send` of a step of `open`.
    OpenSend(usize),
    /// `expect` of a step of `open`.
    OpenExpect(usize),
    /// `take` of a step of `open`.
    OpenTake(usize),
    /// `to` of an `answer`.
    AnswerTo(usize),
    /// `send` of an `answer`.
    AnswerSend(usize),
    /// `send` of the heartbeat.
    HeartbeatSend,
    /// `expect` of the heartbeat.
    HeartbeatExpect,
    /// `watch` of the heartbeat.
    HeartbeatWatch,
    /// `count_messages`.
    CountMessages,
    /// `close`.
    Close,
}

/// A problem of a frame or a matcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameProblem {
    /// The key that is wrong.
    pub place: FramePlace,
    /// The problem.
    pub diagnostic: Diagnostic,
}

impl CompiledFrames {
    /// Compiles the frames of a pool. `names` are the names that the pool has before its
    /// sockets open; those that `open` takes are added, and the variables of the environment
    /// that are met.
    ///
    /// # Errors
    ///
    /// Fails with all problems of the frames.
    pub fn compile(frames: &PoolFrames, names: &mut ValueNames) -> Result<Self, Vec<FrameProblem>> {
        let mut compiler = Compiler {
            names,
            problems: Vec::new(),
        };
        // The steps first: what they take is known to all others.
        let steps = frames.open.iter().enumerate();
        let open = steps
            .map(|(index, step)| compiler.step(index, step))
            .collect();
        let compiled = Self {
            open,
            separator: frames.separator.as_deref().map(Box::from),
            is_mqtt: frames.is_mqtt(),
            answers: compiler.answers(frames),
            heartbeat: frames
                .heartbeat
                .as_ref()
                .and_then(|spec| compiler.heartbeat(spec)),
            count_messages: frames
                .count_messages
                .as_ref()
                .and_then(|spec| compiler.matcher(FramePlace::CountMessages, spec)),
            close: frames
                .close
                .iter()
                .filter_map(|spec| compiler.frame(FramePlace::Close, spec))
                .collect(),
        };
        match compiler.problems {
            problems if problems.is_empty() => Ok(compiled),
            problems => Err(problems),
        }
    }
}

impl CompiledFrame {
    /// Compiles a frame.
    ///
    /// # Errors
    ///
    /// Fails for unknown placeholders and invalid bytes.
    pub fn compile(spec: &FrameSpec, names: &mut ValueNames) -> Result<Self, Diagnostic> {
        Ok(match spec {
            FrameSpec::Text(text) => Self::Text(Template::parse(text, names)?),
            FrameSpec::Hex(text) => Self::Hex(HexTemplate::parse(text, names)?),
            FrameSpec::Mqtt(packet) => Self::Mqtt(MqttTemplate::compile(packet, names)?),
        })
    }

    /// Whether the frame has a placeholder for `value`.
    pub fn uses(&self, value: ValueRef) -> bool {
        match self {
            Self::Text(template) => template.uses(value),
            Self::Hex(template) => template.uses(value),
            Self::Mqtt(template) => template.uses(value),
        }
    }

    /// Returns the text of a text frame, with its values.
    pub fn text(&self, values: &dyn Values) -> Option<String> {
        let Self::Text(template) = self else {
            return None;
        };
        let mut text = String::new();
        template.render(values, &mut text);
        Some(text)
    }

    /// Returns the payload, with its values.
    pub fn bytes(&self, values: &dyn Values) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Text(_) => bytes = self.text(values).unwrap_or_default().into_bytes(),
            Self::Hex(template) => template.render(values, &mut bytes),
            Self::Mqtt(template) => template.render(values, &mut bytes),
        }
        bytes
    }
}

/// A compilation, with the problems so far.
struct Compiler<'n> {
    names: &'n mut ValueNames,
    problems: Vec<FrameProblem>,
}

impl Compiler<'_> {
    fn step(&mut self, index: usize, step: &OpenStep) -> CompiledStep {
        let send = step.send.as_ref();
        let send = send.and_then(|spec| self.frame(FramePlace::OpenSend(index), spec));
        let expect = step.expect.as_ref();
        let expect = expect.and_then(|spec| self.matcher(FramePlace::OpenExpect(index), spec));
        // Only now: a step knows what the steps before it took.
        let mut take = Vec::new();
        for spec in &step.take {
            let place = self.names.place_of_frame_value(&spec.name);
            take.extend(self.checked(FramePlace::OpenTake(index), Take::compile(spec, place)));
        }
        CompiledStep {
            send,
            expect,
            within: step.within,
            take: take.into(),
        }
    }

    fn answers(&mut self, frames: &PoolFrames) -> Box<[CompiledAnswer]> {
        let mut answers = Vec::new();
        for (index, rule) in frames.answer.iter().enumerate() {
            let to = self.matcher(FramePlace::AnswerTo(index), &rule.to);
            let send = self.frame(FramePlace::AnswerSend(index), &rule.send);
            if let (Some(to), Some(send)) = (to, send) {
                answers.push(CompiledAnswer { to, send });
            }
        }
        answers.into()
    }

    fn heartbeat(&mut self, spec: &HeartbeatFrames) -> Option<CompiledHeartbeat> {
        Some(match spec {
            HeartbeatFrames::Watch(spec) => {
                CompiledHeartbeat::Watch(self.matcher(FramePlace::HeartbeatWatch, spec)?)
            }
            HeartbeatFrames::Send { send, expect } => {
                let send = self.frame(FramePlace::HeartbeatSend, send);
                let expect = expect.as_ref();
                let expect =
                    expect.and_then(|spec| self.matcher(FramePlace::HeartbeatExpect, spec));
                CompiledHeartbeat::Send {
                    send: send?,
                    expect,
                }
            }
        })
    }

    fn frame(&mut self, place: FramePlace, spec: &FrameSpec) -> Option<CompiledFrame> {
        let compiled = CompiledFrame::compile(spec, self.names);
        self.checked(place, compiled)
    }

    fn matcher(&mut self, place: FramePlace, spec: &MatchSpec) -> Option<Matcher> {
        let compiled = Matcher::compile(spec, self.names);
        self.checked(place, compiled)
    }

    fn checked<T>(&mut self, place: FramePlace, compiled: Result<T, Diagnostic>) -> Option<T> {
        let problem = |diagnostic| FrameProblem { place, diagnostic };
        compiled
            .map_err(|diagnostic| self.problems.push(problem(diagnostic)))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{AnswerRule, TakeSource, TakeSpec};

    fn step(send: &str, take: &str) -> OpenStep {
        OpenStep {
            send: Some(FrameSpec::Text(send.to_owned())),
            expect: Some(MatchSpec::Prefix("0".to_owned())),
            within: Duration::from_secs(5),
            take: vec![TakeSpec {
                name: take.to_owned(),
                from: TakeSource::Json("/sid".to_owned()),
            }],
        }
    }

    #[test]
    fn taken_value_is_known_behind_its_step_only() {
        let frames = PoolFrames {
            open: vec![step("{b}", "a"), step("{a}", "b")],
            close: vec![FrameSpec::Text("bye {a} {b}".to_owned())],
            ..PoolFrames::default()
        };
        let problems = CompiledFrames::compile(&frames, &mut ValueNames::default()).unwrap_err();
        let places: Vec<_> = problems.iter().map(|problem| problem.place).collect();
        assert_eq!(places, [FramePlace::OpenSend(0)]);
    }

    #[test]
    fn all_problems_are_found_with_their_places() {
        let frames = PoolFrames {
            answer: vec![AnswerRule {
                to: MatchSpec::Regex("(".to_owned()),
                send: FrameSpec::Hex("c".to_owned()),
            }],
            heartbeat: Some(HeartbeatFrames::Watch(MatchSpec::Text("{x}".to_owned()))),
            close: vec![FrameSpec::Text("{devise}".to_owned())],
            ..PoolFrames::default()
        };
        let problems = CompiledFrames::compile(&frames, &mut ValueNames::default()).unwrap_err();
        let places: Vec<_> = problems.iter().map(|problem| problem.place).collect();
        assert_eq!(
            places,
            [
                FramePlace::AnswerTo(0),
                FramePlace::AnswerSend(0),
                FramePlace::HeartbeatWatch,
                FramePlace::Close
            ]
        );
    }

    #[test]
    fn variables_of_the_environment_are_collected() {
        let frames = PoolFrames {
            close: vec![FrameSpec::Text("${A} ${B} ${A}".to_owned())],
            ..PoolFrames::default()
        };
        let mut names = ValueNames::default();
        CompiledFrames::compile(&frames, &mut names).unwrap();
        assert_eq!(names.environment, ["A", "B"]);
    }
}
