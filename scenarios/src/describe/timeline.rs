//! The timeline of a plan, in words.

use std::time::Duration;

use highwater_types::format;

use super::frames;
use crate::{
    Plan,
    plan::{
        Action, CommandLoad, DevicePool, FaultSpec, LoadModel, MessageLoad, PublishFrom,
        PublishLoad, ReplyMode,
    },
    text_layout::TextLayout,
};

/// Columns of the times.
const TIME_COLUMNS: usize = 8;

/// A line of the timeline; times before the steady phase have no offset.
struct TimelineRow {
    at: Duration,
    text: String,
}

pub(super) fn describe(plan: &Plan, page: &mut TextLayout) {
    page.heading("Timeline (times from the start of the steady phase)");
    ramp(plan, page);
    page.label_right(
        "0s",
        TIME_COLUMNS,
        &format!("steady phase of {} begins", format::duration(plan.duration)),
    );
    for load in &plan.commands {
        page.label_right("", TIME_COLUMNS, &command_in_words(load));
    }
    let loads = messages(plan).chain(publish(plan));
    let rows = late_pools(plan).chain(loads).chain(events(plan));
    let mut rows: Vec<TimelineRow> = rows.collect();
    // Stable: rows of one instant stay in the order of pools, messages, events.
    rows.sort_by_key(|row| row.at);
    for row in rows {
        page.label_right(&format::duration(row.at), TIME_COLUMNS, &row.text);
    }
    let end = format!(
        "drain: {} closed in order",
        format::plural(plan.sockets(), "socket")
    );
    page.label_right(&format::duration(plan.duration), TIME_COLUMNS, &end);
    // The drain is left out: how fast sockets close depends on the system.
    let shortest = plan.planned_ramp() + plan.duration;
    let total = format!(
        "About {} in all, or longer if the ramp falls behind.",
        format::duration(shortest)
    );
    page.paragraph(&total);
}

fn ramp(plan: &Plan, page: &mut TextLayout) {
    let pools: Vec<&DevicePool> = plan.ramp_pools().collect();
    if pools.is_empty() {
        page.label_right(
            "ramp",
            TIME_COLUMNS,
            "nothing: every pool has a start of its own",
        );
    }
    for pool in pools {
        page.label_right("ramp", TIME_COLUMNS, &pool_in_words(pool));
    }
}

fn pool_in_words(pool: &DevicePool) -> String {
    let hold = pool
        .ramp_control
        .hold_when
        .map_or_else(String::new, |hold| format!(", held while {hold}"));
    format!(
        "{} opens {} at {}, the last after {}{hold}; {}",
        pool.name,
        format::plural(pool.count, "socket"),
        format::per_second(pool.ramp.as_per_second()),
        format::duration(pool.ramp_duration()),
        frames::in_words(pool),
    )
}

fn command_in_words(load: &CommandLoad) -> String {
    let reply = match load.reply {
        ReplyMode::Rest => "reply in the response",
        ReplyMode::Sse => "reply on an event stream",
        ReplyMode::Frame(_) => "reply in a frame on the device's socket",
    };
    let timeout = format::duration(load.timeout);
    match load.model {
        LoadModel::Closed { users, think } => format!(
            "{}: {} that think {} between a reply and the next command, started spread over that time; {reply}, timeout {timeout}",
            load.name,
            format::plural(users, "user"),
            format::duration(think),
        ),
        LoadModel::Open {
            rate,
            max_in_flight,
        } => format!(
            "{}: commands due at {} whatever the answers, at most {} in flight; {reply}, timeout {timeout}",
            load.name,
            format::per_second(rate.as_per_second()),
            format::count(max_in_flight),
        ),
    }
}

fn messages(plan: &Plan) -> impl Iterator<Item = TimelineRow> {
    plan.messages.iter().map(|load| TimelineRow {
        at: load.start,
        text: messages_in_words(load),
    })
}

fn messages_in_words(load: &MessageLoad) -> String {
    let answer = match &load.expect {
        None => "no answer is awaited".to_owned(),
        Some(expect) => {
            let timeout = format::duration(load.timeout);
            let each = match expect.tells_messages_apart() {
                true => "",
                false => ", at most one in flight per device",
            };
            format!("answers on the same socket{each}, timeout {timeout}")
        }
    };
    let (name, pool, lasts) = (&load.name, &load.pool, format::duration(load.duration));
    match load.model {
        LoadModel::Closed { users, think } => format!(
            "{name}: {} for {lasts} that send by devices of {pool} and think {} between an \
             answer and the next message; {answer}",
            format::plural(users, "user"),
            format::duration(think),
        ),
        LoadModel::Open {
            rate,
            max_in_flight,
        } => format!(
            "{name}: messages of devices of {pool} due at {} for {lasts} whatever the answers, \
             at most {} in flight; {answer}",
            format::per_second(rate.as_per_second()),
            format::count(max_in_flight),
        ),
    }
}

fn publish(plan: &Plan) -> impl Iterator<Item = TimelineRow> {
    plan.publish.iter().map(|load| TimelineRow {
        at: load.start,
        text: publish_in_words(load),
    })
}

fn publish_in_words(load: &PublishLoad) -> String {
    let publishers = match load.from {
        PublishFrom::Rest => format::plural(load.publishers, "HTTP caller"),
        PublishFrom::Device => format!(
            "{} of {}",
            format::plural(load.publishers, "device"),
            load.pool
        ),
    };
    let topics = match load.topics {
        1 => format!("to topic {}", load.topic),
        topics => format!("to {} topics, {}", format::count(topics), load.topic),
    };
    format!(
        "{}: {} of {} each {topics} for {}, by {publishers}; received by {} of {}, {} delivered",
        load.name,
        format::per_second(load.rate.as_per_second()),
        format::bytes(load.size),
        format::duration(load.duration),
        format::plural(load.subscribers, "device"),
        load.pool,
        format::per_second(load.deliveries_per_s()),
    )
}

fn late_pools(plan: &Plan) -> impl Iterator<Item = TimelineRow> {
    plan.devices.iter().filter_map(|pool| {
        let at = pool.start?;
        let mut text = pool_in_words(pool);
        // The drain ends the ramp of a late pool.
        if at + pool.ramp_duration() >= plan.duration {
            text.push_str(" (the steady phase ends first: not all of them open)");
        }
        Some(TimelineRow { at, text })
    })
}

fn events(plan: &Plan) -> impl Iterator<Item = TimelineRow> {
    plan.events.iter().map(|event| TimelineRow {
        at: event.at,
        text: event_in_words(&event.action, &event.node),
    })
}

fn event_in_words(action: &Action, node: &str) -> String {
    match action {
        Action::AddNode => format!("{node} is added"),
        Action::KillNode | Action::KillConsumer => format!("{node} is killed without notice"),
        Action::RestartNode | Action::RestartConsumer => format!("{node} is started again"),
        Action::DrainNode => format!("{node} is asked to drain and to end"),
        Action::PauseNode => format!("{node} is paused with all its sockets open"),
        Action::ResumeNode => format!("{node} goes on after its pause"),
        Action::KillBroker => "the broker is killed without notice".to_owned(),
        Action::RestartBroker => "the broker is started again".to_owned(),
        Action::PauseBroker => "the broker is paused with all its connections open".to_owned(),
        Action::ResumeBroker => "the broker goes on after its pause".to_owned(),
        Action::Rebalance { rate, tolerance } => format!(
            "nodes that hold over {} of the mean ask sockets to reconnect, {} each",
            format::percent(1.0 + tolerance),
            format::per_second(rate.as_per_second()),
        ),
        Action::Fault { fault } => match fault {
            FaultSpec::Stall { duration } => {
                format!("{node} does nothing for {}", format::duration(*duration))
            }
            FaultSpec::IgnorePings { duration } => {
                let length = format::duration(*duration);
                format!("{node} answers no heartbeat for {length}")
            }
            FaultSpec::DropMessages { count } => deliveries_in_words(node, "drops", *count),
            FaultSpec::DuplicateMessages { count } => deliveries_in_words(node, "doubles", *count),
            FaultSpec::ReorderMessages { count } => deliveries_in_words(node, "delays", *count),
        },
    }
}

fn deliveries_in_words(node: &str, verb: &str, count: u64) -> String {
    let deliveries = match count {
        1 => "delivery of a message".to_owned(),
        count => format!("{} deliveries of messages", format::count(count)),
    };
    format!("{node} {verb} the next {deliveries}")
}
