//! Herding: many clients that open sockets at the same node at the same time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::conn_events::ConnEventBucket;

/// Number of sockets from which a tenth of a second counts. With fewer, chance alone gives
/// one node a large share.
const MIN_OPENED: u64 = 10;

/// The largest share of the sockets of one tenth of a second that opened at one node, over
/// tenths in which at least ten opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Herding {
    /// Share; an even one is 1 over the number of nodes.
    pub share: f64,
    /// Node that got it.
    pub node: String,
    /// Sockets that opened at any node in that tenth.
    pub arrivals: u64,
    /// Beginning of the tenth in seconds on the run's clock.
    pub at_s: f64,
}

/// Returns the worst tenth, of equally bad ones the one with most sockets; `None` when no
/// tenth had enough sockets.
pub(crate) fn herding(buckets: &[ConnEventBucket]) -> Option<Herding> {
    let worst = buckets
        .iter()
        .filter(|bucket| bucket.opened_total() >= MIN_OPENED)
        .filter_map(|bucket| {
            let (node, most) = bucket.opened.iter().max_by_key(|(_, count)| **count)?;
            Some((bucket, *node, *most as f64 / bucket.opened_total() as f64))
        })
        // Of equal shares, the one with more sockets is less likely to be chance.
        .max_by(|(a, _, a_share), (b, _, b_share)| {
            let by_share = a_share.total_cmp(b_share);
            by_share.then_with(|| a.opened_total().cmp(&b.opened_total()))
        });
    let (bucket, node, share) = worst?;
    Some(Herding {
        share,
        node: node.to_owned(),
        arrivals: bucket.opened_total(),
        at_s: bucket.start_s(),
    })
}
