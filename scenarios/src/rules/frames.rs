//! The frames of a pool: the system understands them, each step does something, and every
//! frame and matcher compiles.

use super::pool;
use crate::{
    data::PoolData,
    diagnostic::{Diagnostic, DiagnosticSink, ValueLocation},
    frames::{CompiledFrames, FramePlace},
    plan::Dialect,
    scenario::{Scenario, System},
    section::{
        Field, Section, devices::PoolSection, heartbeat::HeartbeatSection,
        open_step::OpenStepSection,
    },
};

/// Most steps of an opening.
const MAX_STEPS: usize = 16;
/// Most answers of a pool.
const MAX_ANSWERS: usize = 32;
/// Most values that the frames of a pool take.
const MAX_TAKEN: usize = 32;

pub(super) fn check(scenario: &Scenario, data: &[PoolData], sink: &mut DiagnosticSink) {
    for pool in scenario.devices.elements() {
        let Some(location) = pool.frames_location() else {
            continue;
        };
        // `stomp::check` reports frames in its dialect.
        check_system(scenario, location, sink);
        check_length(&pool.open, MAX_STEPS, "steps", sink);
        check_length(&pool.answer, MAX_ANSWERS, "answers", sink);
        for step in pool.open.elements() {
            check_step(step, sink);
        }
        if let Some(heartbeat) = &pool.heartbeat.value {
            check_heartbeat(heartbeat, sink);
        }
        check_frames(pool, pool::data_of(pool, scenario, data), sink);
    }
}

/// Checks that the system is a target of the dialect that has frames of a scenario's own.
fn check_system(scenario: &Scenario, location: &ValueLocation, sink: &mut DiagnosticSink) {
    match scenario.system() {
        System::Cluster(_) => sink.report(
            &location.without_value(),
            Diagnostic::new("frames for a cluster that the harness starts")
                .expected("frames with a `[target]`")
                .hint("the nodes of a `[cluster]` speak their own protocol"),
        ),
        System::Target(target) if target.dialect.is(&Dialect::Highwater) => sink.report(
            &target.dialect.location,
            Diagnostic::new("frames in the highwater dialect")
                .expected("`dialect = \"plain\"`, or no `dialect`")
                .hint("a pool declares frames of its own"),
        ),
        _ => {}
    }
}

fn check_length<S>(list: &Field<Vec<S>>, most: usize, noun: &str, sink: &mut DiagnosticSink) {
    let length = list.elements().len();
    if length > most {
        let diagnostic = Diagnostic::new(format!("{length} {noun}"));
        sink.report(
            &list.location,
            diagnostic.expected(format!("at most {most}")),
        );
    }
}

fn check_step(step: &OpenStepSection, sink: &mut DiagnosticSink) {
    if !step.send.is_written && !step.expect.is_written {
        sink.report_missing(
            step.location(),
            Diagnostic::new("a step that neither sends nor waits")
                .expected("`send`, `expect`, or both"),
        );
    }
    if step.expect.is_written {
        return;
    }
    // Both belong to the expected frame.
    for (is_written, location, key) in [
        (step.take.is_written, &step.take.location, "take"),
        (step.within.is_written, &step.within.location, "within"),
    ] {
        if is_written {
            sink.report(
                location,
                Diagnostic::new(format!("`{key}` without a frame to wait for"))
                    .expected(format!("`{key}` beside `expect`")),
            );
        }
    }
}

fn check_heartbeat(heartbeat: &HeartbeatSection, sink: &mut DiagnosticSink) {
    let (send, watch) = (&heartbeat.send, &heartbeat.watch);
    if send.is_written && watch.is_written {
        sink.report(
            &watch.location,
            Diagnostic::new("both `send` and `watch`")
                .expected("`send` (the socket sends) or `watch` (the server sends)"),
        );
    }
    if heartbeat.expect.is_written && !send.is_written {
        let diagnostic = Diagnostic::new("an answer without the frame that it answers");
        let diagnostic = diagnostic.expected("`expect` beside `send`");
        sink.report(
            &heartbeat.expect.location,
            match watch.is_written {
                true => diagnostic,
                false => diagnostic.hint("`watch` is for a server that sends by itself"),
            },
        );
    }
}

/// Checks the placeholders, bytes, paths and expressions of all frames and matchers.
fn check_frames(pool: &PoolSection, data: &PoolData, sink: &mut DiagnosticSink) {
    let names = pool::names_before_open(pool, data);
    let Some((frames, mut names)) = pool.frames().zip(names) else {
        return;
    };
    if let Err(problems) = CompiledFrames::compile(&frames, &mut names) {
        for problem in problems {
            if let Some(location) = location_of(pool, problem.place) {
                sink.report(location, problem.diagnostic);
            }
        }
    }
    let count = names.frame_value_count();
    if count > MAX_TAKEN {
        let diagnostic = Diagnostic::new(format!("{count} values to take"));
        let diagnostic = diagnostic.expected(format!("at most {MAX_TAKEN}"));
        sink.report(&pool.open.location, diagnostic);
    }
}

fn location_of(pool: &PoolSection, place: FramePlace) -> Option<&ValueLocation> {
    let step = |index: usize| pool.open.elements().get(index);
    let answer = |index: usize| pool.answer.elements().get(index);
    let heartbeat = || pool.heartbeat.value.as_ref();
    Some(match place {
        FramePlace::OpenSend(index) => &step(index)?.send.location,
        FramePlace::OpenExpect(index) => &step(index)?.expect.location,
        FramePlace::OpenTake(index) => &step(index)?.take.location,
        FramePlace::AnswerTo(index) => &answer(index)?.to.location,
        FramePlace::AnswerSend(index) => &answer(index)?.send.location,
        FramePlace::HeartbeatSend => &heartbeat()?.send.location,
        FramePlace::HeartbeatExpect => &heartbeat()?.expect.location,
        FramePlace::HeartbeatWatch => &heartbeat()?.watch.location,
        FramePlace::CountMessages => &pool.count_messages.location,
        FramePlace::Close => &pool.close.location,
    })
}
