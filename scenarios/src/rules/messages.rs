//! Each load of messages has its pool, one load model, and answers that find their message.

use highwater_types::format;

use super::{
    load_model::{self, LoadWords},
    pool::{self, PoolReference},
    target::check_plain,
};
use crate::{
    data::PoolData,
    diagnostic::{Diagnostic, DiagnosticSink},
    frames::{CompiledExchange, Correlation, ExchangePlace, ExchangeSpec},
    scenario::Scenario,
    section::{Section, devices::PoolSection, messages::MessageSection},
};

const WORDS: LoadWords = LoadWords {
    header: "[[messages]]",
    action: "message",
};

pub(super) fn check(scenario: &Scenario, data: &[PoolData], sink: &mut DiagnosticSink) {
    for load in scenario.messages.elements() {
        load_model::check(&load.model_keys(), load.location(), &WORDS, sink);
        check_plain(scenario, load.location(), "messages of devices", sink);
        let reference = PoolReference {
            pool: &load.pool,
            load: &load.name,
            verb: "sends",
        };
        if let Some(pool) = pool::find(&reference, scenario, sink) {
            check_frames(load, pool, pool::data_of(pool, scenario, data), sink);
        }
    }
}

/// Checks the placeholders of all frames, and the way in which an answer finds its message.
fn check_frames(
    load: &MessageSection,
    pool: &PoolSection,
    data: &PoolData,
    sink: &mut DiagnosticSink,
) {
    // A frame that could not be read is reported, and so is one of the pool.
    let (Some(send), Some(mut names)) = (&load.send.value, pool::value_names(pool, data)) else {
        return;
    };
    let spec = ExchangeSpec {
        send,
        expect: load.expect.value.as_ref(),
        reject: load.reject.value.as_ref(),
    };
    // An answer that could not be read is not missing.
    if load.expect.is_written && spec.expect.is_none() {
        return;
    }
    match CompiledExchange::compile(spec, &mut names) {
        Ok(compiled) => {
            let answers = compiled.answers.as_ref();
            if answers.is_some_and(|answers| answers.correlation == Correlation::InOrder) {
                check_users(load, pool, sink);
            }
        }
        Err(problems) => {
            for problem in problems {
                let location = match problem.place {
                    ExchangePlace::Send => &load.send.location,
                    ExchangePlace::Expect => &load.expect.location,
                    ExchangePlace::Reject => &load.reject.location,
                };
                sink.report(location, problem.diagnostic);
            }
        }
    }
}

/// Checks that every user has a device where a device has one message in flight at most.
fn check_users(load: &MessageSection, pool: &PoolSection, sink: &mut DiagnosticSink) {
    let (Some(users), Some(devices)) = (load.users.value, pool.count.value) else {
        return;
    };
    if users > devices {
        let expected = format!(
            "at most {}, the devices of {}",
            format::toml_integer(devices),
            pool.name.text()
        );
        sink.report(
            &load.users.location,
            Diagnostic::new("more users than devices, each with one message in flight at most")
                .expected(expected)
                .hint("with `{ref}` or `{nonce}` in `expect` a device has several in flight"),
        );
    }
}
