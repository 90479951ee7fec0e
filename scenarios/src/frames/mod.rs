//! Frames as data: what a socket sends, and what it makes of the frames that it receives.
//!
//! A scenario writes frames as text with placeholders, and describes frames of the server
//! by matchers. Both are compiled once per pool; a socket keeps only its own values.
//!
//! ```text
//! '{"id":"{ref}"}' ──► Template ──render, with Values──► a frame to send
//! { json = {…} }   ──► Matcher  ──matches, with Values──► yes or no
//!                          └──capture──► the `{ref}` or `{nonce}` of a received frame
//! ```
//!
//! - [`names`]: the placeholders that a template may use, and the values behind them;
//! - [`template`]: text with placeholders;
//! - [`hex`]: bytes with placeholders;
//! - [`address`]: addresses with placeholders;
//! - [`received`]: a received frame, read at most once in each form;
//! - [`json_path`]: the place of a value in JSON;
//! - [`matcher`]: tests on received frames;
//! - [`mqtt`]: packets of MQTT, to send and received;
//! - [`stomp`]: the texts of sessions of STOMP;
//! - [`take`]: the places of values that answers give;
//! - [`compiled`]: the frames of a pool, compiled together;
//! - [`exchange`], [`command`]: the texts of messages and commands, compiled.

pub mod address;
pub mod command;
pub mod compiled;
pub mod exchange;
pub mod hex;
pub mod json_path;
pub mod matcher;
pub mod mqtt;
pub mod names;
pub mod received;
pub mod stomp;
pub mod take;
pub mod template;

pub use self::{
    address::{AddressTemplate, push_encoded},
    command::{CommandPlace, CommandProblem, CommandTexts, CompiledCommand},
    compiled::{
        CompiledAnswer, CompiledFrame, CompiledFrames, CompiledHeartbeat, CompiledStep, FramePlace,
        FrameProblem,
    },
    exchange::{
        AnswerKind, AnswerMatchers, CompiledExchange, Correlation, ExchangeKey, ExchangePlace,
        ExchangeProblem, ExchangeSpec, nonce_text,
    },
    hex::HexTemplate,
    json_path::JsonPath,
    matcher::Matcher,
    names::{ValueNames, ValueRef, Values},
    received::ReceivedFrame,
    stomp::{CompiledStomp, StompPlace, StompProblem, StompTexts},
    take::Take,
    template::{Template, variables_of},
};
