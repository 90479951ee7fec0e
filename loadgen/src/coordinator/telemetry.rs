//! The reconciliation of telemetry: records that devices had accepted, against records that
//! consumers handled.
//!
//! ```text
//! workers ── UnacceptedTelemetry ──► accepted, a bit per record of the plan ──┐
//!                                                                            ├─► missing
//! consumers ── journals ───────────► handled, a bit per record of the plan ───┘
//! ```
//!
//! Both sides are bit vectors over the plan, so that the memory of a run is known before
//! it begins and does not grow. [`latency`] is one histogram for the same reason.

mod latency;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::PathBuf,
};

use bit_vec::BitVec;
use highwater_reports::record::{JournalCounts, RecordEvent};
use highwater_scenarios::{
    Plan,
    plan::{SystemSpec, TelemetryLoad},
};
use serde::Deserialize;

pub use self::latency::{SteadyStart, TelemetryLatency};
use crate::{control::UnacceptedTelemetry, keys::LoadItemKey};

/// Longest line of a journal, in bytes: device ids and record ids are bounded.
const MAX_JOURNAL_LINE: u64 = 1024;

/// The accepted and the handled telemetry of a run.
#[derive(Default)]
pub struct TelemetryReconciler {
    loads: Vec<LoadReconciliation>,
    journals: Vec<JournalTail>,
    /// The latencies of the handled records, once due times are known.
    latency: Option<TelemetryLatency>,
    /// Records that a consumer handled again.
    duplicated: u64,
    /// Records that the queue marked as redelivered.
    redelivered: u64,
    /// Records that the plan does not have.
    unknown: u64,
    /// Lines that are not journal lines.
    unreadable: u64,
}

/// The accepted and the handled telemetry of one load.
struct LoadReconciliation {
    plan: TelemetryLoad,
    /// One for each record that is due in the plan, until a worker reports it unaccepted.
    accepted: BitVec,
    /// One for each record that a consumer has handled.
    handled: BitVec,
}

/// A journal and the position up to which it is read.
struct JournalTail {
    path: PathBuf,
    /// Bytes that are read, always up to the end of a line.
    offset: u64,
}

/// The fields of a journal line that the reconciliation needs.
#[derive(Deserialize)]
struct ParsedJournalLine<'a> {
    /// Milliseconds since 1970.
    at: f64,
    #[serde(borrow)]
    device: &'a str,
    #[serde(borrow)]
    id: &'a str,
    redelivered: bool,
}

/// Returns the memory that the reconciliation of `records` records takes, in bytes.
pub fn memory_bytes(records: u64) -> u64 {
    // A bit for each record on either side.
    2 * records.div_ceil(8)
}

impl TelemetryReconciler {
    /// Creates the reconciliation of `plan` with consumers that write `journals`; `None` if
    /// the plan has no telemetry, or its consumers are not the harness's.
    pub fn for_plan(plan: &Plan, journals: Vec<PathBuf>) -> Option<Self> {
        let SystemSpec::Cluster(_) = plan.system else {
            return None;
        };
        if plan.telemetry.is_empty() || journals.is_empty() {
            return None;
        }
        let loads = plan.telemetry.iter().map(|load| {
            let total = load.count_due_before(plan.duration);
            let total = usize::try_from(total).unwrap_or(usize::MAX);
            LoadReconciliation {
                plan: load.clone(),
                accepted: BitVec::from_elem(total, true),
                handled: BitVec::from_elem(total, false),
            }
        });
        let tail = |path| JournalTail { path, offset: 0 };
        Some(Self {
            loads: loads.collect(),
            journals: journals.into_iter().map(tail).collect(),
            ..Self::default()
        })
    }

    /// Takes the start of the steady phase, before the first journal is read.
    pub fn begin_steady(&mut self, start: SteadyStart) {
        self.latency = Some(TelemetryLatency::since(start));
    }

    /// Returns the latencies of the handled records, each of its first line that was read;
    /// `None` where the run reached no steady phase.
    pub fn latency(&self) -> Option<&TelemetryLatency> {
        self.latency.as_ref()
    }

    /// Marks the records of one device that the system did not confirm.
    pub fn mark_unaccepted(&mut self, unaccepted: &UnacceptedTelemetry) {
        let Some(load) = self.loads.get_mut(unaccepted.load as usize) else {
            return;
        };
        for number in &unaccepted.unacked {
            replace_bit(&mut load.accepted, *number, false);
        }
        // The records of one device are as many numbers apart as the load has devices.
        let mut number = unaccepted.first_unsent;
        while number < load.accepted.len() as u64 {
            replace_bit(&mut load.accepted, number, false);
            number += load.plan.devices;
        }
    }

    /// Returns how many accepted records no consumer has handled by now.
    pub fn missing_count(&self) -> u64 {
        let blocks = self
            .loads
            .iter()
            .flat_map(|load| load.accepted.blocks().zip(load.handled.blocks()));
        blocks
            .map(|(accepted, handled)| u64::from((accepted & !handled).count_ones()))
            .sum()
    }

    /// Returns how many different records consumers have handled by now.
    pub fn handled_count(&self) -> u64 {
        let handled = self.loads.iter().map(|load| load.handled.count_ones());
        handled.sum()
    }

    /// Reads the journals' new lines. An incomplete line is left for the next time, and a
    /// journal that does not exist yet has no lines.
    pub fn read_new_lines(&mut self) {
        // Taken out, because the lines of a journal change the rest of `self`.
        let mut journals = std::mem::take(&mut self.journals);
        for journal in &mut journals {
            if let Err(error) = self.read_journal(journal)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(
                    path = %journal.path.display(),
                    %error,
                    "cannot read a journal; retrying at the next poll"
                );
            }
        }
        self.journals = journals;
    }

    /// Returns the summary for the record. `complete` says that every worker has reported
    /// its unaccepted telemetry; without it the lost records are not known.
    pub fn summary_event(&self, complete: bool) -> RecordEvent {
        RecordEvent::Telemetry(JournalCounts {
            handled: self.handled_count(),
            duplicated: self.duplicated,
            redelivered: self.redelivered,
            unknown: self.unknown,
            unreadable: self.unreadable,
            lost: complete.then(|| self.missing_count()),
        })
    }

    fn read_journal(&mut self, journal: &mut JournalTail) -> io::Result<()> {
        let mut file = File::open(&journal.path)?;
        file.seek(SeekFrom::Start(journal.offset))?;
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut limited = reader.by_ref().take(MAX_JOURNAL_LINE);
            let read = limited.read_until(b'\n', &mut line)?;
            match line.strip_suffix(b"\n") {
                Some(line) => self.record_line(line),
                // The consumer is still writing this line, or died while it did.
                None if (read as u64) < MAX_JOURNAL_LINE => return Ok(()),
                // Longer than any line: skipped in pieces.
                None => self.unreadable += 1,
            }
            journal.offset += read as u64;
        }
    }

    fn record_line(&mut self, line: &[u8]) {
        let Ok(parsed) = serde_json::from_slice::<ParsedJournalLine<'_>>(line) else {
            self.unreadable += 1;
            return;
        };
        let Some((load, number)) = self.locate(&parsed) else {
            self.unknown += 1;
            return;
        };
        self.redelivered += u64::from(parsed.redelivered);
        let load = &mut self.loads[load];
        if replace_bit(&mut load.handled, number, true) {
            self.duplicated += 1;
        } else if let Some(latency) = &mut self.latency {
            latency.count(load.plan.due(number), parsed.at);
        }
    }

    /// Returns load and number of the record of a line, if the plan has it for that device.
    fn locate(&self, line: &ParsedJournalLine<'_>) -> Option<(usize, u64)> {
        let LoadItemKey {
            load: index,
            number,
        } = LoadItemKey::parse(line.id)?;
        let load = self.loads.get(index)?;
        // From the right, because a pool's name may contain hyphens.
        let (pool, device) = line.device.rsplit_once('-')?;
        let is_planned = pool == load.plan.pool
            && device.parse() == Ok(load.plan.device_of(number))
            && number < load.handled.len() as u64;
        is_planned.then_some((index, number))
    }
}

/// Sets a bit and returns its old value. Numbers beyond the end change nothing.
fn replace_bit(bits: &mut BitVec, number: u64, value: bool) -> bool {
    // `usize` may be narrower than the number.
    let index = usize::try_from(number).unwrap_or(usize::MAX);
    let old = bits.get(index);
    if old.is_some() {
        bits.set(index, value);
    }
    old.unwrap_or(false)
}

#[cfg(test)]
pub(super) mod tests {
    use std::{fs, io::Write, time::Duration};

    use super::*;

    const PLAN: &str = r#"
        name = "r"
        duration = "10s"
        [cluster]
        nodes = 1
        consumers = 1
        [[devices]]
        name = "home"
        count = 3
        ramp = "10/s"
        [[telemetry]]
        rate = "10/s"
    "#;

    /// Returns a plan of a hundred records, changed by `--set` arguments.
    pub(in crate::coordinator) fn telemetry_plan(sets: &[&str]) -> Plan {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        let plan = highwater_scenarios::parse("r.toml", PLAN, &sets);
        plan.unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn reconciler(journals: Vec<PathBuf>) -> TelemetryReconciler {
        TelemetryReconciler::for_plan(&telemetry_plan(&[]), journals)
            .expect("a plan with telemetry and consumers")
    }

    fn line(number: u64, redelivered: bool) -> String {
        let device = number % 3;
        format!(
            "{{\"at\":1,\"device\":\"home-{device}\",\"id\":\"0-{number}\",\"redelivered\":{redelivered}}}\n"
        )
    }

    #[test]
    fn accepted_and_handled_items_are_reconciled() {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = [folder.path().join("c1"), folder.path().join("c2")];
        let mut telemetry = reconciler(paths.to_vec());
        telemetry.read_new_lines();
        assert_eq!(
            (telemetry.missing_count(), telemetry.handled_count()),
            (100, 0)
        );

        let mut first: String = (0..60).map(|number| line(number, false)).collect();
        first.push_str(&line(7, true));
        first.push_str("{\"torn");
        fs::write(&paths[0], &first).expect("written");
        telemetry.read_new_lines();
        assert_eq!((telemetry.missing_count(), telemetry.duplicated), (40, 1));

        // The torn line is completed, and it is not a journal line. The rest comes in the
        // other journal.
        let file = fs::OpenOptions::new().append(true).open(&paths[0]);
        file.expect("a journal")
            .write_all(b"\":1}\n")
            .expect("written");
        let second: String = (60..98).map(|number| line(number, true)).collect();
        fs::write(&paths[1], second + &line(100, false)).expect("written");
        telemetry.read_new_lines();
        telemetry.mark_unaccepted(&UnacceptedTelemetry {
            load: 0,
            device: 2,
            first_unsent: 101,
            unacked: vec![98],
        });
        assert_eq!(
            telemetry.summary_event(true),
            RecordEvent::Telemetry(JournalCounts {
                handled: 98,
                duplicated: 1,
                redelivered: 39,
                unknown: 1,
                unreadable: 1,
                lost: Some(1),
            })
        );
        let RecordEvent::Telemetry(JournalCounts { lost: None, .. }) =
            telemetry.summary_event(false)
        else {
            panic!("an incomplete reconciliation knows no lost items");
        };
    }

    #[test]
    fn latency_begins_when_a_record_is_due_and_ends_with_its_first_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("c1");
        let mut telemetry = reconciler(vec![path.clone()]);
        telemetry.begin_steady(SteadyStart {
            second: 7,
            since_1970: Duration::from_secs(1000),
        });
        // Records are due each 100 ms: number 3 at 1000.3 s.
        let line = |number: u64, at: &str| line(number, false).replace("\"at\":1,", at);
        let lines = [
            line(3, "\"at\":1000800.25,"),
            line(3, "\"at\":1009000,"),
            // Clocks that differ make no time negative, and no line of a sender ends a run.
            line(4, "\"at\":1000100,"),
            line(5, "\"at\":-1e300,"),
        ];
        fs::write(&path, lines.concat()).expect("written");
        telemetry.read_new_lines();
        let latency = telemetry.latency().expect("a steady phase");
        let histogram = latency.histogram();
        assert_eq!((latency.first_second(), histogram.len()), (7, 2));
        let (least, most) = (histogram.min(), histogram.max());
        assert!(least <= 1 && most.abs_diff(500_250) <= 500, "{histogram:?}");
        assert_eq!((telemetry.handled_count(), telemetry.duplicated), (3, 1));
    }

    #[test]
    fn unsent_items_are_not_accepted() {
        let mut telemetry = reconciler(vec!["/nowhere".into()]);
        telemetry.mark_unaccepted(&UnacceptedTelemetry {
            load: 0,
            device: 1,
            first_unsent: 4,
            unacked: vec![1],
        });
        // 1, and 4, 7, … 97 of the hundred.
        assert_eq!(telemetry.missing_count(), 100 - 33);
    }
}
