//! The table of events.

use std::io;

use super::{
    column::{Cell, Column, ColumnType, TableWriter, nullable, required},
    source::ExportSource,
};
use crate::{analysis::example_sentence, record::RecordEvent};

use ColumnType::{Label, Number, Text, Time};

/// Columns of the table.
#[rustfmt::skip]
pub(super) const COLUMNS: &[Column] = &[
    required("time", Time, "instant in UTC"),
    required("t", Number, "the same in seconds since the run's start"),
    nullable("phase", Label, "phase of the run at that instant"),
    required("kind", Label, "phase, action, process_ended, process_stopped, worker_lost, telemetry, balancer_reconfigured, failure, problem or end"),
    nullable("name", Label, "phase that begins, action, counter of a failure, way of a change, or end of the run"),
    nullable("source", Label, "name of the process that the event is about"),
    nullable("text", Text, "status, reason, error or description"),
    required("event", Text, "the whole event as JSON"),
];

/// The cells of an event that depend on its kind.
#[derive(Default)]
struct EventCells {
    name: Option<String>,
    source: Option<String>,
    text: Option<String>,
}

/// Writes a row for each event, and returns their number.
pub(super) fn write_events(source: &ExportSource, table: &mut dyn TableWriter) -> io::Result<u64> {
    for event in &source.events {
        let cells = cells(&event.kind);
        let json = serde_json::to_string(event)?;
        table.row(&[
            Cell::Time(source.utc(event.at)),
            Cell::number(event.at),
            Cell::optional_text(source.phase(event.at)),
            Cell::Text((&event.kind).into()),
            Cell::optional_text(cells.name.as_deref()),
            Cell::optional_text(cells.source.as_deref()),
            Cell::optional_text(cells.text.as_deref()),
            Cell::Text(&json),
        ])?;
    }
    Ok(source.events.len() as u64)
}

fn cells(event: &RecordEvent) -> EventCells {
    let of_process = |id: &String, text: &String| EventCells {
        source: Some(id.clone()),
        text: Some(text.clone()),
        ..EventCells::default()
    };
    match event {
        RecordEvent::Phase { phase } => named(<&str>::from(*phase)),
        RecordEvent::Action {
            action,
            node,
            error,
        } => EventCells {
            source: Some(node.clone()),
            text: error.clone(),
            ..named(action)
        },
        RecordEvent::ProcessEnded { id, status }
        | RecordEvent::ProcessStopped { id, status, .. } => of_process(id, status),
        RecordEvent::WorkerLost { id, reason } => of_process(id, reason),
        RecordEvent::Telemetry(_) => EventCells::default(),
        RecordEvent::BalancerReconfigured { id, text, .. } => of_process(id, text),
        RecordEvent::Failure {
            counter,
            worker,
            example,
        } => EventCells {
            source: Some(worker.clone()),
            text: Some(example_sentence(counter, example)),
            ..named(counter)
        },
        RecordEvent::Problem { text } => EventCells {
            text: Some(text.clone()),
            ..EventCells::default()
        },
        RecordEvent::End { ended } => named(<&str>::from(*ended)),
    }
}

fn named(name: &str) -> EventCells {
    EventCells {
        name: Some(name.to_owned()),
        ..EventCells::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::TimedEvent;

    #[test]
    fn kind_of_a_row_is_that_of_the_record() {
        for text in [
            r#"{"at":1.0,"kind":"phase","phase":"steady"}"#,
            r#"{"at":1.0,"kind":"process_ended","id":"n1","status":"exit status: 1"}"#,
            r#"{"at":1.0,"kind":"worker_lost","id":"w1","reason":"silent"}"#,
            r#"{"at":1.0,"kind":"problem","text":"late"}"#,
            r#"{"at":1.0,"kind":"end","ended":"completed"}"#,
        ] {
            let event: TimedEvent = serde_json::from_str(text).unwrap();
            let kind: &str = (&event.kind).into();
            assert!(text.contains(&format!("\"kind\":\"{kind}\"")));
            let cells = cells(&event.kind);
            if let Some(name) = cells.name {
                assert!(text.contains(&format!("\"{name}\"")), "{text}");
            }
        }
    }
}
