//! Each event has the keys of its kind, and no others.

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink, ValueLocation},
    plan::{EventKind, FaultSize, TargetKind},
    scenario::Scenario,
    section::{Field, KeySchema, events::EventSection},
};

/// A key of an event, whatever its type.
struct EventKey<'e> {
    schema: &'static KeySchema,
    is_written: bool,
    location: &'e ValueLocation,
}

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    for event in scenario.events.elements() {
        if let Some(kind) = event.kind.value {
            check_fault_keys(kind, event, sink);
            check_rebalance_keys(kind, event, sink);
            check_target_keys(kind.target(), event, sink);
        }
    }
}

/// Checks that a fault has its kind and its size, and that other events have neither.
fn check_fault_keys(kind: EventKind, event: &EventSection, sink: &mut DiagnosticSink) {
    let [fault, duration, count] = [
        EventKey::of(&event.fault),
        EventKey::of(&event.duration),
        EventKey::of(&event.count),
    ];
    let size = event.fault.value.map(|fault| fault.size());
    if kind != EventKind::Fault {
        for key in [fault, duration, count] {
            key.report_if_written(
                "only a fault has this key",
                "`fault` and its size beside `do = \"fault\"`",
                sink,
            );
        }
        return;
    }
    let (wanted, unwanted) = match size {
        Some(FaultSize::Count) => (count, duration),
        // Most faults have a duration, so that is the key to ask for without a valid fault.
        Some(FaultSize::Duration) | None => (duration, count),
    };
    fault.report_if_missing("missing from this fault", sink);
    wanted.report_if_missing("missing from this fault", sink);
    if size.is_some() {
        let expected = format!("`fault` and `{}`", wanted.schema.name);
        unwanted.report_if_written("not the size of this fault", &expected, sink);
    }
}

/// Checks that a rebalance has its rate and its tolerance, and that other events have neither.
fn check_rebalance_keys(kind: EventKind, event: &EventSection, sink: &mut DiagnosticSink) {
    for key in [EventKey::of(&event.rate), EventKey::of(&event.tolerance)] {
        match kind {
            EventKind::Rebalance => key.report_if_missing("missing from this rebalance", sink),
            _ => {
                let expected = format!("`{}` beside `do = \"rebalance\"`", key.schema.name);
                key.report_if_written("only a rebalance has this key", &expected, sink);
            }
        }
    }
}

/// Checks that an event names the node or the consumer that it is for, and no other process.
fn check_target_keys(target: TargetKind, event: &EventSection, sink: &mut DiagnosticSink) {
    let node = EventKey::of(&event.node);
    let consumer = EventKey::of(&event.consumer);
    match target {
        TargetKind::Node => {
            node.report_if_missing("missing", sink);
            consumer.report_other_process(&node, sink);
        }
        TargetKind::Consumer => {
            consumer.report_if_missing("missing", sink);
            node.report_other_process(&consumer, sink);
        }
        TargetKind::Broker => {
            for key in [node, consumer] {
                let expected = format!("no `{}` for an event of the broker", key.schema.name);
                let message = "there is one broker, which has no name";
                key.report_if_written(message, &expected, sink);
            }
        }
        TargetKind::Cluster => {
            for key in [node, consumer] {
                let expected = format!("no `{}` for an event of all nodes", key.schema.name);
                key.report_if_written("this event is for all nodes", &expected, sink);
            }
        }
    }
}

impl<'e> EventKey<'e> {
    fn of<T>(field: &'e Field<T>) -> Self {
        Self {
            schema: field.key,
            is_written: field.is_written,
            location: &field.location,
        }
    }

    fn report_if_missing(&self, message: &str, sink: &mut DiagnosticSink) {
        if !self.is_written {
            let expected = self.schema.value_type.expected();
            sink.report_missing(self.location, Diagnostic::new(message).expected(expected));
        }
    }

    fn report_if_written(&self, message: &str, expected: &str, sink: &mut DiagnosticSink) {
        if self.is_written {
            sink.report(self.location, Diagnostic::new(message).expected(expected));
        }
    }

    fn report_other_process(&self, wanted: &Self, sink: &mut DiagnosticSink) {
        let expected = format!("`{}` in its place", wanted.schema.name);
        self.report_if_written("this event is for another kind of process", &expected, sink);
    }
}
