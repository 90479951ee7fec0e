//! The shards of a stream, and those that may be read next.
//!
//! A shard ends after some hours, or when the table grows: one or two others follow it. The
//! records of a key continue in one of these, so each is read only when the one before it has
//! been read to its end.

use std::collections::{BTreeMap, BTreeSet};

/// A shard as the stream lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shard {
    pub(super) id: String,
    /// The shard that this one follows.
    pub(super) parent: Option<String>,
}

/// The progress of a filter over the shards.
#[derive(Debug, Default)]
pub(super) struct ShardProgress {
    /// The shards that have been read to their end.
    ended: BTreeSet<String>,
    /// The shards that are being read.
    reading: BTreeSet<String>,
}

impl ShardProgress {
    /// Creates the progress of a filter that knows by its notes which shards have been read.
    pub(super) fn new(ended: BTreeSet<String>) -> Self {
        Self {
            ended,
            reading: BTreeSet::new(),
        }
    }

    /// Returns the shards that may be read from now on, and notes them as being read.
    pub(super) fn start(&mut self, listed: &[Shard]) -> Vec<String> {
        let ids: BTreeMap<&str, &Shard> = listed.iter().map(|shard| (&*shard.id, shard)).collect();
        // A shard that is listed no more has lost its records, so its note is of no use.
        self.ended.retain(|id| ids.contains_key(&**id));
        let may_start = |shard: &&Shard| {
            let is_new = !self.ended.contains(&shard.id) && !self.reading.contains(&shard.id);
            // One that is not listed any more has no records left.
            let parent = shard.parent.as_ref().filter(|id| ids.contains_key(&***id));
            is_new && parent.is_none_or(|id| self.ended.contains(id))
        };
        let started = listed.iter().filter(may_start);
        let started: Vec<String> = started.map(|shard| shard.id.clone()).collect();
        self.reading.extend(started.iter().cloned());
        started
    }

    /// Notes that a shard has been read to its end.
    pub(super) fn end(&mut self, id: &str) {
        self.reading.remove(id);
        self.ended.insert(id.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(id: &str, parent: Option<&str>) -> Shard {
        Shard {
            id: id.to_owned(),
            parent: parent.map(str::to_owned),
        }
    }

    #[test]
    fn children_of_a_split_start_when_their_parent_has_ended() {
        let listed = [
            shard("parent", Some("trimmed")),
            shard("left", Some("parent")),
            shard("right", Some("parent")),
            shard("grandchild", Some("left")),
        ];
        let mut progress = ShardProgress::default();
        assert_eq!(progress.start(&listed), ["parent"]);
        assert!(progress.start(&listed).is_empty(), "started twice");
        progress.end("parent");
        assert_eq!(progress.start(&listed), ["left", "right"]);
        progress.end("right");
        assert!(progress.start(&listed).is_empty());
        progress.end("left");
        assert_eq!(progress.start(&listed), ["grandchild"]);
    }

    #[test]
    fn restarted_filter_goes_on_behind_the_shards_that_it_has_read() {
        let listed = [
            shard("parent", None),
            shard("left", Some("parent")),
            shard("right", Some("parent")),
        ];
        let ended = ["parent", "left", "forgotten"].map(str::to_owned).into();
        let mut progress = ShardProgress::new(ended);
        assert_eq!(progress.start(&listed), ["right"]);
        assert!(!progress.ended.contains("forgotten"), "notes grow forever");
    }
}
