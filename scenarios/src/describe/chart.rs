//! The plan on one axis: pools that open, loads that run, events as marks.

use std::time::Duration;

use super::{axis::TimelineAxis, axis_labels};
use crate::{
    Plan,
    plan::DevicePool,
    text_layout::{INDENT, TextLayout, WIDTH},
};

/// Most columns of the rows' names.
const MAX_NAME_COLUMNS: usize = 16;
/// Columns between a name and its row.
const NAME_GAP: usize = 2;
/// Shares of a pool's sockets, in eighths.
const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws the plan. The ramp, the steady phase and the drain have scales of their own, so that
/// a short ramp can be seen beside a long steady phase.
pub(super) fn draw(plan: &Plan, page: &mut TextLayout) {
    let names = name_columns(plan);
    let columns = WIDTH - INDENT - names - NAME_GAP;
    let axis = TimelineAxis::new(plan.planned_ramp(), plan.duration, columns);
    for (name, cells) in rows(plan, &axis) {
        let name = truncate_name(name, names);
        page.line(&format!("{name:<names$}{:NAME_GAP$}{cells}", ""));
    }
}

/// Returns the columns that the longest name of a row takes.
fn name_columns(plan: &Plan) -> usize {
    let pools = plan.devices.iter().map(|pool| pool.name.as_str());
    let longest = pools
        .chain(plan.commands.iter().map(|load| load.name.as_str()))
        .chain(plan.messages.iter().map(|load| load.name.as_str()))
        .chain(plan.publish.iter().map(|load| load.name.as_str()))
        .chain(plan.telemetry.iter().map(|load| load.name.as_str()))
        .chain(["events"])
        .map(|name| name.chars().count())
        .max();
    longest.unwrap_or_default().min(MAX_NAME_COLUMNS)
}

/// Returns the rows of the chart, each with its name.
fn rows<'p>(plan: &'p Plan, axis: &TimelineAxis) -> Vec<(&'p str, String)> {
    // An empty line parts the chart from the text above.
    let mut rows = vec![("", String::new()), ("", axis_labels::phase_labels(axis))];
    let pools = plan.devices.iter();
    rows.extend(pools.map(|pool| (pool.name.as_str(), pool_row(pool, axis))));
    let commands = plan.commands.iter();
    rows.extend(commands.map(|load| (load.name.as_str(), steady_row(axis))));
    let messages = plan
        .messages
        .iter()
        .map(|load| (&load.name, load.start, load.duration));
    let publish = plan
        .publish
        .iter()
        .map(|load| (&load.name, load.start, load.duration));
    rows.extend(
        messages
            .chain(publish)
            .map(|(name, start, duration)| (name.as_str(), message_row(start, duration, axis))),
    );
    let telemetry = plan.telemetry.iter();
    rows.extend(telemetry.map(|load| (load.name.as_str(), steady_row(axis))));
    if !plan.events.is_empty() {
        rows.push(("events", axis_labels::event_marks(axis, &plan.events)));
    }
    let starts = plan.devices.iter().filter_map(|pool| pool.start);
    let events = plan.events.iter().map(|event| event.at);
    let instants: Vec<Duration> = starts.chain(events).collect();
    rows.push(("", axis_labels::ticks(axis, &instants)));
    rows.push(("", axis_labels::time_labels(axis, &instants)));
    rows
}

/// Returns the share of a pool that is due to be open at the end of each column.
fn pool_row(pool: &DevicePool, axis: &TimelineAxis) -> String {
    let starts = axis.start_s(pool.start);
    let opens_for = pool.ramp_duration().as_secs_f64();
    let open_at = |seconds: f64| match seconds - starts {
        since if since < 0.0 => 0.0,
        since if since >= opens_for => 1.0,
        since => since / opens_for,
    };
    axis.draw_columns(|column| {
        let share = open_at(column.end_s.min(axis.steady_s)) * (1.0 - column.drained_share);
        // Not rounded: a pool that has begun is never drawn as empty, and an incomplete one
        // never as complete.
        let level = match share {
            0.0 => 0,
            share if share >= 1.0 => 8,
            share => ((share * 8.0) as usize).clamp(1, 7),
        };
        LEVELS[level]
    })
}

/// Returns a line over the columns of the steady phase.
fn steady_row(axis: &TimelineAxis) -> String {
    axis.draw_columns(|column| if column.is_steady { '─' } else { ' ' })
}

/// Returns a line over the columns in which messages are due.
fn message_row(start: Duration, duration: Duration, axis: &TimelineAxis) -> String {
    let from = start.as_secs_f64();
    let to = from + duration.as_secs_f64();
    let width = axis.steady_s / axis.steady_columns as f64;
    axis.draw_columns(|column| {
        let begins_at = column.end_s - width;
        match column.is_steady && column.end_s > from && begins_at < to {
            true => '─',
            false => ' ',
        }
    })
}

/// Returns a name cut to so many columns.
fn truncate_name(name: &str, columns: usize) -> String {
    if name.chars().count() <= columns {
        return name.to_owned();
    }
    let kept: String = name.chars().take(columns - 1).collect();
    format!("{kept}…")
}
