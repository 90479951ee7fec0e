//! The signs of life of workers.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval},
};

use super::item::PoolItem;
use crate::bus::{
    BusError, RunStore, WorkerState, WorkerStatus,
    documents::{BEAT_INTERVAL, SILENT_AFTER, worker_key},
};

/// Values that are read at the same time.
const CONCURRENT_READS: usize = 32;

/// The last sight of a segment's worker.
#[derive(Debug, Clone)]
struct Sighting {
    epoch: u64,
    beat: u64,
    seen: Instant,
    is_silent: bool,
    has_left: bool,
}

/// Time for which the bus must not have the run, until the run counts as gone.
const GONE_AFTER: Duration = Duration::from_secs(15);

/// Looks at the workers of all segments once a second, and sends who falls silent, leaves and
/// comes back. A silence of the bus itself is nobody's.
pub(super) async fn watch_workers(store: RunStore, workers: u32, items: mpsc::Sender<PoolItem>) {
    let mut sightings: BTreeMap<u32, Sighting> = BTreeMap::new();
    let mut ticks = interval(BEAT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut last_found = Instant::now();
    loop {
        ticks.tick().await;
        let statuses = match read_all(&store, workers).await {
            Ok(statuses) => {
                last_found = Instant::now();
                statuses
            }
            // A server that has just started may not have found its store yet.
            Err(_) if last_found.elapsed() < GONE_AFTER => None,
            Err(error) => {
                // An error of the send says that the run has ended here too.
                let _ = items.send(PoolItem::RunGone(error)).await;
                return;
            }
        };
        let now = Instant::now();
        let Some(statuses) = statuses else {
            // The bus is away, and with it every sign of life.
            sightings
                .values_mut()
                .for_each(|sighting| sighting.seen = now);
            continue;
        };
        for (index, status) in statuses {
            if let Some(item) = compare(&mut sightings, index, &status, now)
                && items.send(item).await.is_err()
            {
                return;
            }
        }
    }
}

/// Reads the status of every worker that has one; `None` if the bus does not answer.
///
/// # Errors
/// [`BusError::NoRun`] if the bus does not have the run any more.
pub(super) async fn read_all(
    store: &RunStore,
    workers: u32,
) -> Result<Option<BTreeMap<u32, WorkerStatus>>, BusError> {
    let reads = stream::iter(0..workers).map(async |index| {
        let read = store.read::<WorkerStatus>(&worker_key(index)).await;
        (index, read)
    });
    let mut reads = reads.buffer_unordered(CONCURRENT_READS);
    let mut statuses = BTreeMap::new();
    while let Some((index, read)) = reads.next().await {
        match read {
            Ok(Some(stored)) => {
                statuses.insert(index, stored.value);
            }
            Ok(None) => {}
            Err(error @ BusError::NoRun { .. }) => return Err(error),
            Err(error) if error.is_passing() => return Ok(None),
            // A status of another version is not a sign of life.
            Err(_) => {}
        }
    }
    Ok(Some(statuses))
}

fn compare(
    sightings: &mut BTreeMap<u32, Sighting>,
    index: u32,
    status: &WorkerStatus,
    now: Instant,
) -> Option<PoolItem> {
    let fresh = Sighting {
        epoch: status.epoch,
        beat: status.beat,
        seen: now,
        is_silent: false,
        // The next look tells it, also of a worker that left before the first one.
        has_left: false,
    };
    let Some(last) = sightings.get_mut(&index) else {
        sightings.insert(index, fresh);
        return None;
    };
    if status.epoch > last.epoch {
        *last = fresh;
        return Some(PoolItem::Replaced {
            index,
            epoch: status.epoch,
        });
    }
    if let WorkerState::Left(reason) = &status.state {
        let is_new = !last.has_left;
        last.has_left = true;
        return is_new.then(|| PoolItem::Silent {
            index,
            since: Duration::ZERO,
            reason: format!("it ended: {reason}"),
        });
    }
    if status.beat != last.beat {
        let was_silent = last.is_silent;
        *last = fresh;
        return was_silent.then_some(PoolItem::Back { index });
    }
    let silence = now - last.seen;
    // One that is done ends its signs of life, and its last message is in the stream.
    let is_done = status.state == WorkerState::Done;
    if silence < SILENT_AFTER || last.is_silent || is_done {
        return None;
    }
    last.is_silent = true;
    Some(PoolItem::Silent {
        index,
        since: silence,
        reason: "it shows no sign of life".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::WorkerCapacity;

    fn status(epoch: u64, beat: u64, state: WorkerState) -> WorkerStatus {
        WorkerStatus {
            epoch,
            beat,
            state,
            capacity: WorkerCapacity::default(),
        }
    }

    #[test]
    fn silence_return_and_replacement_are_told_once() {
        let mut sightings = BTreeMap::new();
        let start = Instant::now();
        let mut look = |epoch, beat, state, after| {
            let status = status(epoch, beat, state);
            compare(
                &mut sightings,
                0,
                &status,
                start + Duration::from_secs(after),
            )
        };
        let running = WorkerState::Running;
        assert!(look(1, 1, running.clone(), 0).is_none());
        assert!(look(1, 1, running.clone(), 4).is_none());
        let silent = look(1, 1, running.clone(), 6);
        assert!(
            matches!(silent, Some(PoolItem::Silent { index: 0, since, .. }) if since.as_secs() == 6)
        );
        assert!(look(1, 1, running.clone(), 7).is_none());
        assert!(matches!(
            look(1, 2, running.clone(), 8),
            Some(PoolItem::Back { index: 0 })
        ));
        assert!(matches!(
            look(2, 1, running.clone(), 9),
            Some(PoolItem::Replaced { index: 0, epoch: 2 })
        ));
        let left = WorkerState::Left("no file".to_owned());
        assert!(matches!(
            look(2, 2, left.clone(), 10),
            Some(PoolItem::Silent { .. })
        ));
        assert!(look(2, 2, left, 30).is_none());
    }

    #[test]
    fn worker_that_left_before_the_first_look_is_silent_and_one_that_is_done_is_not() {
        let mut sightings = BTreeMap::new();
        let start = Instant::now();
        let mut look = |index, state, after| {
            let now = start + Duration::from_secs(after);
            compare(&mut sightings, index, &status(1, 1, state), now)
        };
        let left = WorkerState::Left("no file".to_owned());
        assert!(look(0, left.clone(), 0).is_none());
        assert!(matches!(
            look(0, left.clone(), 1),
            Some(PoolItem::Silent { index: 0, .. })
        ));
        assert!(look(0, left, 2).is_none());
        assert!(look(1, WorkerState::Done, 0).is_none());
        assert!(look(1, WorkerState::Done, 60).is_none());
    }
}
