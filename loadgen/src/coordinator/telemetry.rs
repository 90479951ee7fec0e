//! Readings held against each other: what the devices were told is accepted, and what
//! the consumers wrote down as handled.
//!
//! A bit for each reading of the plan on either side: what a run takes is known before
//! it begins, and does not grow.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    path::PathBuf,
};

use highwater_reports::record::RecordEvent;
use highwater_scenarios::{
    Plan,
    plan::{SystemSpec, TelemetryLoad},
};
use serde::Deserialize;

use crate::control::UnacceptedTelemetry;

/// Longest line of a journal that is read, in bytes: names have bounds.
const MAX_JOURNAL_LINE: u64 = 1024;

/// Both sides of the account.
pub struct TelemetryReconciler {
    loads: Vec<LoadReconciliation>,
    journals: Vec<JournalTail>,
    duplicated: u64,
    redelivered: u64,
    unknown: u64,
    unreadable: u64,
}

/// A load of the plan.
struct LoadReconciliation {
    plan: TelemetryLoad,
    /// One for each reading that is due in the plan, until a worker says otherwise.
    accepted: BitSet,
    handled: BitSet,
}

/// A journal, and how far it is read.
struct JournalTail {
    path: PathBuf,
    offset: u64,
}

/// A line of a journal, as far as it matters.
#[derive(Deserialize)]
struct ParsedJournalLine<'a> {
    #[serde(borrow)]
    device: &'a str,
    #[serde(borrow)]
    id: &'a str,
    redelivered: bool,
}

/// Memory that an account of so many readings takes, in bytes.
pub fn memory_bytes(readings: u64) -> u64 {
    // A bit for each on either side.
    2 * readings.div_ceil(8)
}

impl TelemetryReconciler {
    /// An account of `plan` with consumers that write `journals`; `None` when the plan
    /// has no readings, or its consumers are not the harness's own.
    pub fn for_plan(plan: &Plan, journals: Vec<PathBuf>) -> Option<Self> {
        let SystemSpec::Cluster(_) = plan.system else {
            return None;
        };
        if plan.telemetry.is_empty() || journals.is_empty() {
            return None;
        }
        let loads = plan.telemetry.iter().map(|load| {
            let total = load.count_due_before(plan.duration);
            LoadReconciliation {
                plan: load.clone(),
                accepted: BitSet::filled(total, true),
                handled: BitSet::filled(total, false),
            }
        });
        let tail = |path| JournalTail { path, offset: 0 };
        Some(Self {
            loads: loads.collect(),
            journals: journals.into_iter().map(tail).collect(),
            duplicated: 0,
            redelivered: 0,
            unknown: 0,
            unreadable: 0,
        })
    }

    /// A device was not told that these are accepted.
    pub fn mark_unaccepted(&mut self, of: &UnacceptedTelemetry) {
        let Some(load) = self.loads.get_mut(of.load as usize) else {
            return;
        };
        for number in &of.unacked {
            load.accepted.set(*number, false);
        }
        let mut number = of.first_unsent;
        while number < load.accepted.len {
            load.accepted.set(number, false);
            number += load.plan.devices;
        }
    }

    /// Readings accepted that no consumer has written down by now.
    pub fn missing_count(&self) -> u64 {
        let missing = |load: &LoadReconciliation| load.accepted.count_difference(&load.handled);
        self.loads.iter().map(missing).sum()
    }

    /// Different readings that consumers have written down by now.
    pub fn handled_count(&self) -> u64 {
        self.loads
            .iter()
            .map(|load| load.handled.count_ones())
            .sum()
    }

    /// Reads what the journals have more than at the last time; a line that is not
    /// complete yet is left for the next. A journal that is not there has nothing.
    pub fn read_new_lines(&mut self) {
        let mut journals = std::mem::take(&mut self.journals);
        for journal in &mut journals {
            if let Err(error) = self.read_journal(journal)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(path = %journal.path.display(), %error, "journal");
            }
        }
        self.journals = journals;
    }

    /// For the record; `whole` says whether every worker told what was not accepted.
    pub fn summary_event(&self, whole: bool) -> RecordEvent {
        RecordEvent::Telemetry {
            handled: self.handled_count(),
            duplicated: self.duplicated,
            redelivered: self.redelivered,
            unknown: self.unknown,
            unreadable: self.unreadable,
            lost: whole.then(|| self.missing_count()),
        }
    }

    fn read_journal(&mut self, journal: &mut JournalTail) -> io::Result<()> {
        let mut file = File::open(&journal.path)?;
        file.seek(SeekFrom::Start(journal.offset))?;
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read =
                io::Read::take(&mut reader, MAX_JOURNAL_LINE).read_until(b'\n', &mut line)?;
            match line.strip_suffix(b"\n") {
                Some(line) => self.record_line(line),
                // Torn, or still being written.
                None if (read as u64) < MAX_JOURNAL_LINE => return Ok(()),
                None => self.unreadable += 1,
            }
            journal.offset += read as u64;
        }
    }

    fn record_line(&mut self, line: &[u8]) {
        let Ok(line) = serde_json::from_slice::<ParsedJournalLine<'_>>(line) else {
            self.unreadable += 1;
            return;
        };
        let Some((load, number)) = self.locate(&line) else {
            self.unknown += 1;
            return;
        };
        self.redelivered += u64::from(line.redelivered);
        let handled = &mut self.loads[load].handled;
        self.duplicated += u64::from(handled.set(number, true));
    }

    /// The reading that a line names, if the plan has it and that device sends it.
    fn locate(&self, line: &ParsedJournalLine<'_>) -> Option<(usize, u64)> {
        let (load, number) = line.id.split_once('-')?;
        let (at, number): (usize, u64) = (load.parse().ok()?, number.parse().ok()?);
        let load = self.loads.get(at)?;
        let (pool, device) = line.device.rsplit_once('-')?;
        let is_its = pool == load.plan.pool
            && device.parse() == Ok(load.plan.device_of(number))
            && number < load.handled.len;
        is_its.then_some((at, number))
    }
}

/// A bit a number.
struct BitSet {
    len: u64,
    words: Vec<u64>,
}

impl BitSet {
    fn filled(len: u64, one: bool) -> Self {
        let words = usize::try_from(len.div_ceil(64)).unwrap_or(usize::MAX);
        let mut bits = Self {
            len,
            words: vec![if one { u64::MAX } else { 0 }; words],
        };
        if one && let Some(last) = bits.words.last_mut() {
            // None beyond the end.
            *last >>= (64 - len % 64) % 64;
        }
        bits
    }

    /// Answers what it was; beyond the end nothing is, and nothing becomes.
    fn set(&mut self, number: u64, one: bool) -> bool {
        if number >= self.len {
            return false;
        }
        let (word, bit) = ((number / 64) as usize, 1 << (number % 64));
        let was = self.words[word] & bit != 0;
        match one {
            true => self.words[word] |= bit,
            false => self.words[word] &= !bit,
        }
        was
    }

    fn count_ones(&self) -> u64 {
        self.words
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }

    /// Ones that the other has not.
    fn count_difference(&self, other: &Self) -> u64 {
        let both = self.words.iter().zip(&other.words);
        both.map(|(a, b)| u64::from((a & !b).count_ones())).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, io::Write, time::Duration};

    use proptest::prelude::*;

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

    fn reconciler(journals: Vec<PathBuf>) -> TelemetryReconciler {
        let plan = highwater_scenarios::parse("r.toml", PLAN, &[]);
        let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(plan.duration, Duration::from_secs(10));
        TelemetryReconciler::for_plan(&plan, journals)
            .expect("a plan with telemetry records and consumers")
    }

    fn line(number: u64, redelivered: bool) -> String {
        let device = number % 3;
        format!(
            "{{\"at\":1,\"device\":\"home-{device}\",\"id\":\"0-{number}\",\"redelivered\":{redelivered}}}\n"
        )
    }

    #[test]
    fn the_two_sides_are_held_against_each_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = [folder.path().join("c1"), folder.path().join("c2")];
        let mut account = reconciler(paths.to_vec());
        account.read_new_lines();
        assert_eq!((account.missing_count(), account.handled_count()), (100, 0));

        let mut first: String = (0..60).map(|number| line(number, false)).collect();
        first.push_str(&line(7, true));
        first.push_str("{\"torn");
        fs::write(&paths[0], &first).expect("written");
        account.read_new_lines();
        assert_eq!((account.missing_count(), account.duplicated), (40, 1));

        // The torn line is completed, and is none of ours; the rest comes elsewhere.
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(&paths[0])
            .expect("there");
        file.write_all(b"\":1}\n").expect("written");
        let second: String = (60..98).map(|number| line(number, true)).collect();
        fs::write(&paths[1], second + &line(100, false)).expect("written");
        account.read_new_lines();
        account.mark_unaccepted(&UnacceptedTelemetry {
            load: 0,
            device: 2,
            first_unsent: 101,
            unacked: vec![98],
        });
        assert_eq!(
            account.summary_event(true),
            RecordEvent::Telemetry {
                handled: 98,
                duplicated: 1,
                redelivered: 39,
                unknown: 1,
                unreadable: 1,
                lost: Some(1),
            }
        );
        let RecordEvent::Telemetry { lost: None, .. } = account.summary_event(false) else {
            panic!("what was accepted is not known");
        };
    }

    #[test]
    fn what_was_never_sent_was_not_accepted() {
        let mut account = reconciler(vec!["/nowhere".into()]);
        account.mark_unaccepted(&UnacceptedTelemetry {
            load: 0,
            device: 1,
            first_unsent: 4,
            unacked: vec![1],
        });
        // 1, and 4, 7, … 97 of the hundred.
        assert_eq!(account.missing_count(), 100 - 33);
    }

    proptest! {
        #[test]
        fn bits_are_a_set(len in 1u64..300, operations in prop::collection::vec((any::<bool>(), 0u64..320), 0..200)) {
            let mut bits = BitSet::filled(len, true);
            let mut model: BTreeSet<u64> = (0..len).collect();
            for (one, number) in operations {
                let was = bits.set(number, one);
                prop_assert_eq!(was, model.contains(&number));
                if one && number < len {
                    model.insert(number);
                } else {
                    model.remove(&number);
                }
            }
            prop_assert_eq!(bits.count_ones(), model.len() as u64);
            prop_assert_eq!(bits.count_difference(&BitSet::filled(len, false)), model.len() as u64);
        }
    }
}
