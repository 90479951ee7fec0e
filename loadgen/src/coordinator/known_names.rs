//! The names that the workers of a run have used.
//!
//! Each name costs memory at the coordinator and in every report. A worker needs few of them,
//! and most are the same at all workers. A target may answer with ever new names of nodes.

use std::collections::{BTreeMap, BTreeSet};

use highwater_reports::record::names::conn_event;

use crate::control::{LeftOut, WorkerInterval};

/// Most names of counters and gauges that one worker may use.
const MAX_PER_WORKER: usize = 1_024;
/// Most names of counters and gauges in a run.
const MAX_IN_RUN: usize = 4_096;
/// Most latencies in a run, without those that the coordinator names by worker. A testbed has
/// at most 200 nodes, each with one.
const MAX_LATENCIES: usize = 256;

/// The names of counters, gauges and latencies that are in the record.
#[derive(Debug, Default)]
pub(super) struct KnownNames {
    names: BTreeSet<String>,
    latencies: BTreeSet<String>,
    /// Names of each worker.
    by_worker: BTreeMap<String, BTreeSet<String>>,
}

impl KnownNames {
    /// Removes from an interval of `worker` the names beyond the most, and counts them.
    /// Connection events at further nodes are counted for all of these together.
    pub(super) fn admit(&mut self, worker: &str, interval: &mut WorkerInterval) {
        let own = self.by_worker.entry(worker.to_owned()).or_default();
        let mut admit = |name: &str| {
            let is_known = own.contains(name);
            let room = own.len() < MAX_PER_WORKER;
            let room = room && (self.names.contains(name) || self.names.len() < MAX_IN_RUN);
            if !is_known && room {
                own.insert(name.to_owned());
                self.names.insert(name.to_owned());
            }
            is_known || room
        };
        let mut excess = 0;
        let mut count = |is_admitted: bool| {
            excess += u64::from(!is_admitted);
            is_admitted
        };
        interval.counters.retain(|(name, _)| count(admit(name)));
        interval.gauges.retain(|(name, _)| count(admit(name)));
        for bucket in &mut interval.buckets {
            for (name, _) in &mut bucket.counters {
                if !admit(name)
                    && let Some((family @ (conn_event::OPENED | conn_event::DELAYED), _)) =
                        name.split_once('.')
                {
                    *name = format!("{family}.{}", conn_event::OTHER_NODES);
                }
            }
            let is_other = |name: &str| name.ends_with(conn_event::OTHER_NODES);
            bucket
                .counters
                .retain(|(name, _)| count(is_other(name) || admit(name)));
        }
        interval.latencies.retain(|(tag, _)| {
            let is_known = self.latencies.contains(tag);
            let room = self.latencies.len() < MAX_LATENCIES;
            if !is_known && room {
                self.latencies.insert(tag.clone());
            }
            count(is_known || room)
        });
        interval.left_out.add(LeftOut {
            excess_names: excess,
            ..LeftOut::default()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::CounterBucket;

    fn counters(names: impl Iterator<Item = String>) -> WorkerInterval {
        WorkerInterval {
            counters: names.map(|name| (name, 1)).collect(),
            ..WorkerInterval::default()
        }
    }

    #[test]
    fn names_are_bounded_for_each_worker_and_for_the_run() {
        let mut names = KnownNames::default();
        let mut kept = 0;
        for worker in 0..10 {
            let own = (0..2_000).map(|number| format!("w{worker}.{number}"));
            let mut interval = counters(own);
            names.admit(&format!("w{worker}"), &mut interval);
            assert!(interval.counters.len() <= MAX_PER_WORKER);
            kept += interval.counters.len();
            let left_out = 2_000 - interval.counters.len() as u64;
            assert_eq!(interval.left_out.excess_names, left_out);
        }
        assert_eq!(kept, MAX_IN_RUN);
        // A name that is known stays, also for a worker without one of its own.
        let mut known = counters(["w0.0".to_owned()].into_iter());
        names.admit("w11", &mut known);
        assert_eq!(known.counters.len(), 1);
    }

    #[test]
    fn latencies_are_bounded_over_all_workers() {
        let mut names = KnownNames::default();
        let mut kept = 0;
        for worker in 0..4 {
            let tags = (0..200).map(|number| (format!("t{worker}.{number}"), String::new()));
            let mut interval = WorkerInterval {
                latencies: tags.collect(),
                ..WorkerInterval::default()
            };
            names.admit(&format!("w{worker}"), &mut interval);
            kept += interval.latencies.len();
        }
        assert_eq!(kept, MAX_LATENCIES);
    }

    #[test]
    fn sockets_at_nodes_beyond_the_most_are_still_counted() {
        let mut names = KnownNames::default();
        let opened = (0..3_000).map(|number| (format!("opened.n{number}"), 1));
        let mut interval = WorkerInterval {
            buckets: vec![CounterBucket {
                number: 1,
                counters: opened.collect(),
            }],
            ..WorkerInterval::default()
        };
        names.admit("w1", &mut interval);
        assert_eq!(interval.left_out, LeftOut::default());
        let counted: u64 = interval.buckets[0].counters.iter().map(|c| c.1).sum();
        assert_eq!(counted, 3_000);
        let other = |entry: &&(String, u64)| entry.0 == "opened.(other)";
        let other = interval.buckets[0].counters.iter().filter(other).count();
        assert_eq!(other, 3_000 - MAX_PER_WORKER);
    }
}
