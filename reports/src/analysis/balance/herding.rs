//! Whether new sockets ran to one node together: the largest part of a tenth of a
//! second's arrivals that one node got.

use crate::{analysis::conn_events::ConnEventBucket, summary::Herding};

/// With fewer arrivals in a tenth, chance alone makes large parts.
const MIN_OPENED: u64 = 10;

/// The worst tenth, of equally bad ones the one with most arrivals; `None` when none had
/// arrivals enough.
pub(crate) fn herding(tenths: &[ConnEventBucket]) -> Option<Herding> {
    let worst = tenths
        .iter()
        .filter(|tenth| tenth.opened_total() >= MIN_OPENED)
        .filter_map(|tenth| {
            let (node, most) = tenth.opened.iter().max_by_key(|(_, count)| **count)?;
            Some((tenth, *node, *most as f64 / tenth.opened_total() as f64))
        })
        .max_by(|(a, _, a_share), (b, _, b_share)| {
            let by_share = a_share.total_cmp(b_share);
            by_share.then_with(|| a.opened_total().cmp(&b.opened_total()))
        });
    let (tenth, node, share) = worst?;
    Some(Herding {
        share,
        node: node.to_owned(),
        arrivals: tenth.opened_total(),
        at_s: tenth.start_s(),
    })
}
