//! The histograms of a run, merged as far as a report needs them apart: per
//! window, and per block of time for charts and noise.

use std::collections::BTreeMap;

use highwater_scenarios::plan::PhaseWindow;

use super::{
    Phases,
    hlog::HlogLine,
    names::latency::{COMMAND_OWNER, SEND_LAG},
};
use crate::histogram::{LatencyHistogram, latency_histogram, record_micros};

/// Most blocks that a run is cut into, whatever its length.
const MOST_BLOCKS: f64 = 600.0;

const PHASES: [PhaseWindow; 3] = [PhaseWindow::Ramp, PhaseWindow::Steady, PhaseWindow::Drain];
const WINDOWS: usize = PHASES.len() + 1;

/// The histograms of a run by tag.
#[derive(Debug, Clone, Default)]
pub struct Latencies {
    phases: Phases,
    block_s: f64,
    tags: BTreeMap<String, TagHistograms>,
}

#[derive(Debug, Clone)]
struct TagHistograms {
    /// Those of the phases and that of the run; until [`Latencies::merge_run_window`]
    /// the run's has only what lies in no phase.
    windows: [LatencyHistogram; WINDOWS],
    blocks: BTreeMap<u32, Block>,
}

/// What one tag counted in one block of time. Kept sparse: a day of blocks is
/// a few megabytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    counts: BTreeMap<u64, u64>,
}

impl Latencies {
    /// No histograms yet, for a run with these phases.
    pub(crate) fn new(phases: Phases) -> Self {
        Self {
            phases,
            block_s: (phases.end / MOST_BLOCKS).ceil().max(1.0),
            tags: BTreeMap::new(),
        }
    }

    /// Takes in one line of the log. It belongs to where its middle lies.
    pub(crate) fn add(&mut self, line: &HlogLine) {
        let middle = line.at_s + line.length_s / 2.0;
        let tagged = self
            .tags
            .entry(line.tag.clone())
            .or_insert_with(TagHistograms::new);
        let within = |window: &PhaseWindow| {
            let range = self.phases.range(*window);
            range.is_some_and(|range| range.contains(&middle))
        };
        let window = PHASES.into_iter().find(within).unwrap_or(PhaseWindow::Run);
        merge(&mut tagged.windows[window as usize], &line.histogram);
        if has_blocks(&line.tag) {
            let block = (middle / self.block_s).max(0.0) as u32;
            tagged.blocks.entry(block).or_default().add(&line.histogram);
        }
    }

    /// After the last line: what lies in a phase is the run's as well.
    pub(crate) fn merge_run_window(&mut self) {
        for tagged in self.tags.values_mut() {
            let [phases @ .., run] = &mut tagged.windows;
            phases.iter().for_each(|phase| merge(run, phase));
        }
    }

    /// Everything that `tag` counted in `window`; `None` when nothing.
    pub fn window(&self, tag: &str, window: PhaseWindow) -> Option<&LatencyHistogram> {
        let histogram = &self.tags.get(tag)?.windows[window as usize];
        (!histogram.is_empty()).then_some(histogram)
    }

    /// The tags, sorted.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.keys().map(String::as_str)
    }

    /// Seconds that a block covers.
    pub fn block_s(&self) -> f64 {
        self.block_s
    }

    /// The blocks of `tag` in which something was counted: the block's middle
    /// in seconds on the run's clock, and its counts. None of a worker's send
    /// lag and of a node's replies: a run of many has as many tags of them.
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
            let value = step.value_iterated_to();
            *self.counts.entry(value).or_default() += step.count_since_last_iteration();
        }
    }

    /// Dense again: any value of a bucket finds that bucket back.
    fn histogram(&self) -> LatencyHistogram {
        let mut histogram = latency_histogram();
        for (&value, &count) in &self.counts {
            record_micros(&mut histogram, value, count);
        }
        histogram
    }
}

fn has_blocks(tag: &str) -> bool {
    !(tag.starts_with(SEND_LAG) || tag.starts_with(COMMAND_OWNER))
}

/// Both have the same precision and `into` resizes itself, so nothing is
/// rounded and nothing can be refused.
fn merge(into: &mut LatencyHistogram, from: &LatencyHistogram) {
    let merged = into.add(from);
    debug_assert!(merged.is_ok(), "histograms of one precision merge");
}
