//! The first pause of a pool's reconnects is not longer than the longest.

use crate::{
    diagnostic::{Diagnostic, DiagnosticSink},
    scenario::Scenario,
};

pub(super) fn check(scenario: &Scenario, sink: &mut DiagnosticSink) {
    let pools = scenario.devices.elements().iter();
    for reconnect in pools.filter_map(|pool| pool.reconnect.value.as_ref()) {
        let (first, max) = (&reconnect.first, &reconnect.max);
        if max.value.is_none() || first.value <= max.value {
            continue;
        }
        // The key that is written is the one to change.
        let wrong = if first.is_written { first } else { max };
        sink.report(
            &wrong.location,
            Diagnostic::new("the first pause is longer than the longest")
                .expected("`first` of at most `max`"),
        );
    }
}
