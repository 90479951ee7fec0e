//! The nodes at which sockets opened after an event, in slices of time.

use std::{collections::BTreeMap, ops::Range};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::conn_events::ConnEvents;

/// Length of the first slice and of the second. Each later one is twice as long as the one
/// before it, so that a run of any length has few.
const FIRST_S: f64 = 1.0;

/// The sockets opened at each node in a slice of time after an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpenedSockets {
    /// Beginning of the slice, in seconds after the event.
    pub from_s: f64,
    /// End of the slice; the last one ends with the next event or the drain.
    pub to_s: f64,
    /// Sockets by the node that the answers named.
    pub by_node: BTreeMap<String, u64>,
}

/// Returns the slices from the event on in which a socket opened.
pub(super) fn arrivals(conn_events: &ConnEvents, after: &Range<f64>) -> Vec<OpenedSockets> {
    time_slices(after.end - after.start)
        .filter_map(|slice| {
            let range = after.start + slice.start..after.start + slice.end;
            let mut by_node: BTreeMap<String, u64> = BTreeMap::new();
            for bucket in conn_events.buckets_in(range) {
                for (&node, &count) in &bucket.opened {
                    *by_node.entry(node.to_owned()).or_default() += count;
                }
            }
            (!by_node.is_empty()).then_some(OpenedSockets {
                from_s: slice.start,
                to_s: slice.end,
                by_node,
            })
        })
        .collect()
}

/// Returns 0 to 1, 1 to 2, 2 to 4, 4 to 8 s, …, to `length_s`.
fn time_slices(length_s: f64) -> impl Iterator<Item = Range<f64>> {
    let mut from = 0.0_f64;
    std::iter::from_fn(move || {
        let slice = from..(from * 2.0).max(FIRST_S).min(length_s);
        // An empty slice ends the iterator, so a length of 0 yields nothing.
        from = slice.end;
        (slice.end > slice.start).then_some(slice)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_double_and_cover_the_whole_time() {
        let found: Vec<_> = time_slices(20.0).collect();
        assert_eq!(
            found,
            [
                0.0..1.0,
                1.0..2.0,
                2.0..4.0,
                4.0..8.0,
                8.0..16.0,
                16.0..20.0
            ]
        );
        assert_eq!(time_slices(0.5).collect::<Vec<_>>(), [0.0..0.5]);
        assert_eq!(time_slices(0.0).count(), 0);
        assert!(time_slices(86_400.0).count() < 20);
    }
}
