//! The segment of this process.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use tokio::time::{Instant, sleep};

use super::{coordinator_life::CoordinatorLife, options::IndexChoice};
use crate::{
    bus::{
        BusError, Control, OnWorkerLoss, RunDocument, RunStore, SegmentClaim, WorkerState,
        WorkerStatus,
        documents::{CONTROL_KEY, SILENT_AFTER, segment_key, worker_key},
    },
    sampling::host_name,
    worker::error::WorkerError,
};

/// Time between two looks at the segments.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Time after which a claim of a living process is certain.
const OBSERVATION: Duration = SILENT_AFTER.saturating_add(Duration::from_secs(2));

/// A segment that this process has claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claimed {
    /// The segment.
    pub(super) index: u32,
    /// The number of the claim.
    pub(super) epoch: u64,
}

/// This process, which wants a segment.
struct Claimant {
    choice: IndexChoice,
    candidates: Range<u32>,
    /// The number by which it knows its own claim again, when the answer to its write was lost.
    nonce: u64,
}

/// The last sight of the process that has a segment.
struct Holder {
    /// The epoch and the beat of its last sign of life.
    last: Option<(u64, u64)>,
    since: Instant,
}

/// Claims a segment. Waits where it may become free, and until `deadline` for a bus that is
/// away. A spare waits for both as long as the run has a coordinator.
pub(super) async fn claim(
    store: &RunStore,
    document: &RunDocument,
    choice: IndexChoice,
    deadline: Instant,
) -> Result<Claimed, WorkerError> {
    let candidates = match choice {
        IndexChoice::Fixed(index) if index >= document.workers => {
            return Err(WorkerError::NoSuchSegment {
                index,
                workers: document.workers,
            });
        }
        IndexChoice::Fixed(index) => index..index + 1,
        IndexChoice::AnyFree => 0..document.workers,
    };
    let claimant = Claimant {
        choice,
        candidates,
        nonce: rand::random(),
    };
    let started = Instant::now();
    let mut holders: BTreeMap<u32, Holder> = BTreeMap::new();
    let mut life = CoordinatorLife::new(Duration::from_secs(document.resume_within_s));
    let mut is_spare = false;
    loop {
        match look(store, document, &claimant, &mut holders, &mut life).await {
            Ok(Look::Claimed(claimed)) => return Ok(claimed),
            // A spare waits for a share, as long as the run lasts.
            Ok(Look::Spare) => is_spare = true,
            Ok(Look::Taken(holder)) => {
                if started.elapsed() >= OBSERVATION {
                    return Err(taken(document, choice, holder));
                }
            }
            Err(WorkerError::Bus(BusError::NoRun { .. })) => return Err(WorkerError::RunOver),
            // A bus that is away may come back. Its silence is not that of a holder.
            Err(WorkerError::Bus(error))
                if error.is_passing() && (is_spare || Instant::now() < deadline) =>
            {
                holders.clear();
            }
            Err(error) => return Err(error),
        }
        if is_spare {
            life.check()?;
        }
        sleep(LOOK_INTERVAL).await;
    }
}

/// The result of one look at the segments.
enum Look {
    /// This process has a segment.
    Claimed(Claimed),
    /// Every segment is taken, and one may become free.
    Spare,
    /// Every segment is taken, the last one by this process.
    Taken(Option<SegmentClaim>),
}

/// Looks at the segments once, and claims the first that is free.
async fn look(
    store: &RunStore,
    document: &RunDocument,
    claimant: &Claimant,
    holders: &mut BTreeMap<u32, Holder>,
    life: &mut CoordinatorLife,
) -> Result<Look, WorkerError> {
    let control = store.read::<Control>(CONTROL_KEY).await?;
    let control = control.ok_or(WorkerError::RunOver)?.value;
    life.see(&control);
    if let Some(reason) = control.stop {
        return Err(WorkerError::Stopped(reason));
    }
    let has_begun = control.go.is_some();
    let is_replaceable = match (document.on_worker_loss, claimant.choice) {
        _ if !has_begun => true,
        (OnWorkerLoss::Replace, _) => true,
        (OnWorkerLoss::Continue, IndexChoice::Fixed(_)) => true,
        (OnWorkerLoss::Continue, IndexChoice::AnyFree) | (OnWorkerLoss::Stop, _) => false,
    };
    let mut holder = None;
    for index in claimant.candidates.clone() {
        let found = store.read::<SegmentClaim>(&segment_key(index)).await?;
        let last = match found {
            None => None,
            Some(found) if found.value.nonce == claimant.nonce => {
                let epoch = found.value.epoch;
                return Ok(Look::Claimed(Claimed { index, epoch }));
            }
            Some(found) => {
                let is_gone = is_gone(store, index, &found.value, holders).await?;
                if !is_gone || !is_replaceable {
                    holder = Some(found.value);
                    continue;
                }
                Some((found.value.epoch, found.revision))
            }
        };
        match take(store, index, last, claimant.nonce).await {
            // Another process was quicker, or an own write was that was given up.
            Err(BusError::Conflict { .. }) => {}
            claimed => return Ok(Look::Claimed(claimed?)),
        }
    }
    let is_spare = has_begun && document.on_worker_loss == OnWorkerLoss::Replace;
    Ok(match is_spare {
        true => Look::Spare,
        false => Look::Taken(holder),
    })
}

fn taken(document: &RunDocument, choice: IndexChoice, holder: Option<SegmentClaim>) -> WorkerError {
    match (choice, holder) {
        (IndexChoice::Fixed(index), Some(holder)) => WorkerError::SegmentTaken {
            index,
            host: holder.host,
            pid: holder.pid,
        },
        _ => WorkerError::AllTaken(document.workers),
    }
}

/// Whether the process that has a segment has left, or shows no sign of life.
async fn is_gone(
    store: &RunStore,
    index: u32,
    claim: &SegmentClaim,
    holders: &mut BTreeMap<u32, Holder>,
) -> Result<bool, BusError> {
    let status = store.read::<WorkerStatus>(&worker_key(index)).await?;
    let status = status.map(|stored| stored.value);
    let status = status.filter(|status| status.epoch == claim.epoch);
    match status.as_ref().map(|status| &status.state) {
        Some(WorkerState::Left(_)) => return Ok(true),
        // It shows no sign of life because nothing of its share is left to do.
        Some(WorkerState::Done) => return Ok(false),
        _ => {}
    }
    let last = status.map(|status| (status.epoch, status.beat));
    let now = Instant::now();
    let holder = holders.entry(index).or_insert(Holder { last, since: now });
    if holder.last != last {
        *holder = Holder { last, since: now };
    }
    Ok(now - holder.since >= SILENT_AFTER)
}

/// Claims a segment that has no claim, or whose `last` claim has this epoch and revision.
async fn take(
    store: &RunStore,
    index: u32,
    last: Option<(u64, u64)>,
    nonce: u64,
) -> Result<Claimed, BusError> {
    let claim = SegmentClaim {
        epoch: last.map_or(1, |(epoch, _)| epoch + 1),
        host: host_name(),
        pid: std::process::id(),
        nonce,
    };
    let key = segment_key(index);
    match last {
        None => store.create_value(&key, &claim).await?,
        Some((_, revision)) => store.update(&key, &claim, revision).await?,
    };
    Ok(Claimed {
        index,
        epoch: claim.epoch,
    })
}
