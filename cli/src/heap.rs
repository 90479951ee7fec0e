//! The allocator and its live bytes.

use tikv_jemalloc_ctl::{epoch, stats};

/// jemalloc: it says how many bytes are live, which glibc's cannot say cheaply.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Bytes that the program has allocated and not freed.
pub(crate) fn live_bytes() -> Option<u64> {
    // The statistics are a snapshot, which a new epoch refreshes.
    epoch::advance().ok()?;
    stats::allocated::read().ok().map(|bytes| bytes as u64)
}
