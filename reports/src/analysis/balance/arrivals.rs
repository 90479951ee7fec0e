//! Where sockets opened after an event.

use std::{collections::BTreeMap, ops::Range};

use crate::{analysis::conn_events::ConnEvents, summary::OpenedSockets};

/// The first piece of time and the second; each later one is twice as long as the
/// one before it, so that a run of any length has few.
const FIRST_S: f64 = 1.0;

/// In pieces of time from the event on; those in which nothing opened are left out.
pub(super) fn arrivals(movement: &ConnEvents, after: &Range<f64>) -> Vec<OpenedSockets> {
    time_slices(after.end - after.start)
        .filter_map(|piece| {
            let range = after.start + piece.start..after.start + piece.end;
            let mut by_node: BTreeMap<String, u64> = BTreeMap::new();
            for tenth in movement.buckets_in(range) {
                for (&node, &count) in &tenth.opened {
                    *by_node.entry(node.to_owned()).or_default() += count;
                }
            }
            (!by_node.is_empty()).then_some(OpenedSockets {
                from_s: piece.start,
                to_s: piece.end,
                by_node,
            })
        })
        .collect()
}

/// 0 to 1, 1 to 2, 2 to 4, 4 to 8 s, …, to `length_s`.
fn time_slices(length_s: f64) -> impl Iterator<Item = Range<f64>> {
    let mut from = 0.0_f64;
    std::iter::from_fn(move || {
        let piece = from..(from * 2.0).max(FIRST_S).min(length_s);
        from = piece.end;
        (piece.end > piece.start).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_grow_and_cover_all() {
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
