//! Each command load has one load model, a path with a device, and a request that its dialect
//! leaves to the scenario.

use super::{
    load_model::{self, LoadWords},
    pool,
    target::check_plain,
};
use crate::{
    data::PoolData,
    diagnostic::{Diagnostic, DiagnosticSink, ValueLocation},
    frames::{CommandPlace, CommandProblem, CompiledCommand},
    plan::ReplyMode,
    scenario::Scenario,
    section::{Section, commands::CommandSection, devices::PoolSection},
    value::DEVICE_PLACEHOLDER,
};

const WORDS: LoadWords = LoadWords {
    header: "[[commands]]",
    action: "command",
};

pub(super) fn check(scenario: &Scenario, data: &[PoolData], sink: &mut DiagnosticSink) {
    for load in scenario.commands.elements() {
        load_model::check(&load.model_keys(), load.location(), &WORDS, sink);
        check_device(load, sink);
        if let Some(location) = load.request_location() {
            check_plain(scenario, location, "requests of a scenario's own", sink);
        }
        check_body(load, sink);
        pool::check_name(&load.pool, scenario, sink);
        check_texts(load, scenario, data, sink);
    }
}

/// Checks that the request names its device, as the path of the reference server does.
fn check_device(load: &CommandSection, sink: &mut DiagnosticSink) {
    // A request of the scenario's own may name it by other values, such as a number.
    if let Some(path) = &load.path.value
        && !path.contains(DEVICE_PLACEHOLDER)
        && load.request_location().is_none()
    {
        sink.report(
            &load.path.location,
            Diagnostic::new("a path that names no device")
                .expected("a path with `{device}` in it")
                .hint("or a `body` that names the device"),
        );
    }
}

/// Checks that a body is not tested where the reply is an event of a stream.
fn check_body(load: &CommandSection, sink: &mut DiagnosticSink) {
    if load.expect_body.is_written && load.reply.is(&ReplyMode::Sse) {
        sink.report(
            &load.expect_body.location,
            Diagnostic::new("the body of an event stream")
                .expected("`expect_body` with `reply = \"rest\"` or a `frame`"),
        );
    }
}

/// Checks the placeholders of all texts, for every pool whose devices get the commands.
fn check_texts(
    load: &CommandSection,
    scenario: &Scenario,
    data: &[PoolData],
    sink: &mut DiagnosticSink,
) {
    let Some(texts) = load.texts() else {
        return;
    };
    let name = load.pool.value.as_deref();
    let is_for = |pool: &&PoolSection| name.is_none_or(|name| pool.name.text() == name);
    let pools = scenario.devices.elements().iter().filter(is_for);
    let problems = pools.filter_map(|pool| {
        let mut names = pool::value_names(pool, pool::data_of(pool, scenario, data))?;
        let problems = CompiledCommand::compile(texts, &mut names).err()?;
        Some((pool, problems))
    });
    // Those of the first pool are enough: most are the same for all.
    let Some((pool, problems)) = problems.into_iter().next() else {
        return;
    };
    for CommandProblem { place, diagnostic } in problems {
        let diagnostic = match (&diagnostic.hint, name, scenario.devices.elements()) {
            (None, None, [_, _, ..]) => {
                let hint = format!("devices of {} get the commands too", pool.name.text());
                diagnostic.hint(hint)
            }
            _ => diagnostic,
        };
        sink.report(location_of(load, place), diagnostic);
    }
}

fn location_of(load: &CommandSection, place: CommandPlace) -> &ValueLocation {
    match place {
        CommandPlace::Path => &load.path.location,
        CommandPlace::Body => &load.body.location,
        CommandPlace::Headers => &load.headers.location,
        CommandPlace::ExpectBody => &load.expect_body.location,
        CommandPlace::Reply => &load.reply.location,
    }
}
