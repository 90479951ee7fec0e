//! The histograms of a run: one per window, and one per block of time for charts and noise.

use std::collections::BTreeMap;

use highwater_scenarios::plan::PhaseWindow;

use super::{
    Phases,
    hlog::HlogLine,
    names::latency::{COMMAND_OWNER, SEND_LAG},
};
use crate::histogram::{LatencyHistogram, latency_histogram, record_micros};

/// Most blocks of a run, whatever its length. This bounds memory and the size of charts.
const MOST_BLOCKS: f64 = 600.0;

/// Most tags of a run. A cluster of the harness has some hundreds, one for each node and one for
/// each worker; each tag takes several histograms of up to 200 KiB.
const MAX_TAGS: usize = 2_048;

const PHASES: [PhaseWindow; 3] = [PhaseWindow::Ramp, PhaseWindow::Steady, PhaseWindow::Drain];
const WINDOWS: usize = PHASES.len() + 1;

/// The histograms of a run by tag.
#[derive(Debug, Clone, Default)]
pub struct Latencies {
    phases: Phases,
    /// Length of a block in seconds.
    pub block_s: f64,
    tags: BTreeMap<String, TagHistograms>,
}

#[derive(Debug, Clone)]
struct TagHistograms {
    /// Histograms of the phases and of the run. Until [`Latencies::merge_run_window`], the one
    /// of the run has only the durations outside the phases.
    windows: [LatencyHistogram; WINDOWS],
    blocks: BTreeMap<u32, Block>,
}

/// The durations of one tag in one block of time: how often each value was counted. It is
/// sparse, so a day of blocks takes a few megabytes.
#[derive(Debug, Clone, Default)]
struct Block(BTreeMap<u64, u64>);

impl Latencies {
    /// Creates an empty set for a run with these phases.
    pub(crate) fn new(phases: Phases) -> Self {
        Self {
            phases,
            // Whole seconds, because the lines of the log cover whole seconds.
            block_s: (phases.end / MOST_BLOCKS).ceil().max(1.0),
            tags: BTreeMap::new(),
        }
    }

    /// Adds one line of the log. Its middle decides the window and the block.
    ///
    /// # Errors
    /// When the line has one tag too many.
    pub(crate) fn add(&mut self, line: &HlogLine) -> Result<(), String> {
        if self.tags.len() >= MAX_TAGS && !self.tags.contains_key(&line.tag) {
            return Err(format!("it has another tag than the first {MAX_TAGS}"));
        }
        let middle = line.at_s + line.length_s / 2.0;
        let tagged = self
            .tags
            .entry(line.tag.clone())
            .or_insert_with(TagHistograms::new);
        let within = |window: &PhaseWindow| {
            let range = self.phases.range(*window);
            range.is_some_and(|range| range.contains(&middle))
        };
        // Each line is merged once here; the window of the run is completed at the end.
        let window = PHASES.into_iter().find(within).unwrap_or(PhaseWindow::Run);
        merge(&mut tagged.windows[window as usize], &line.histogram);
        if has_blocks(&line.tag) {
            let block = (middle / self.block_s).max(0.0) as u32;
            tagged.blocks.entry(block).or_default().add(&line.histogram);
        }
        Ok(())
    }

    /// Adds the phases to the window of the run, after the last line.
    pub(crate) fn merge_run_window(&mut self) {
        for tagged in self.tags.values_mut() {
            let [phases @ .., run] = &mut tagged.windows;
            phases.iter().for_each(|phase| merge(run, phase));
        }
    }

    /// Returns the durations of a tag in a window; `None` without any.
    pub fn window(&self, tag: &str, window: PhaseWindow) -> Option<&LatencyHistogram> {
        let histogram = &self.tags.get(tag)?.windows[window as usize];
        (!histogram.is_empty()).then_some(histogram)
    }

    /// Returns all tags, sorted.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.keys().map(String::as_str)
    }

    /// Returns the blocks of a tag that have durations, each with its middle in seconds on the
    /// run's clock. Send lag and replies by node have no blocks.
    pub fn blocks(&self, tag: &str) -> impl Iterator<Item = (f64, LatencyHistogram)> {
        let block_s = self.block_s;
        self.tags
            .get(tag)
            .into_iter()
            .flat_map(|tagged| &tagged.blocks)
            .map(move |(&index, block)| ((f64::from(index) + 0.5) * block_s, block.histogram()))
    }
}

impl TagHistograms {
    fn new() -> Self {
        Self {
            windows: std::array::from_fn(|_| latency_histogram()),
            blocks: BTreeMap::new(),
        }
    }
}

impl Block {
    fn add(&mut self, histogram: &LatencyHistogram) {
        for step in histogram.iter_recorded() {
            // The upper end of a bucket belongs to that bucket in any histogram of this
            // precision.
            let value = step.value_iterated_to();
            *self.0.entry(value).or_default() += step.count_since_last_iteration();
        }
    }

    /// Converts the block to a histogram.
    fn histogram(&self) -> LatencyHistogram {
        let mut histogram = latency_histogram();
        // Any value of a bucket is counted in that bucket again, so nothing is rounded.
        for (&value, &count) in &self.0 {
            record_micros(&mut histogram, value, count);
        }
        histogram
    }
}

/// Whether a tag has blocks.
fn has_blocks(tag: &str) -> bool {
    // These tags exist once for each worker or node, so their blocks would add up.
    !(tag.starts_with(SEND_LAG) || tag.starts_with(COMMAND_OWNER))
}

/// Merges two histograms. Both have the same precision and `into` grows, so nothing is
/// rounded and the merge cannot fail.
fn merge(into: &mut LatencyHistogram, from: &LatencyHistogram) {
    let merged = into.add(from);
    debug_assert!(merged.is_ok(), "histograms of one precision merge");
}
