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

use highwater_reports::record::Occurrence;
use highwater_scenarios::{
    Plan,
    plan::{ReadingLoad, System},
};
use serde::Deserialize;

use crate::control::Unaccepted;

/// Longest line of a journal that is read, in bytes: names have bounds.
const LONGEST_LINE: u64 = 1024;

/// Both sides of the account.
pub struct Readings {
    loads: Vec<Load>,
    journals: Vec<Tail>,
    duplicated: u64,
    redelivered: u64,
    unknown: u64,
    unreadable: u64,
}

/// A load of the plan.
struct Load {
    plan: ReadingLoad,
    /// One for each reading that is due in the plan, until a worker says otherwise.
    accepted: Bits,
    handled: Bits,
}

/// A journal, and how far it is read.
struct Tail {
    path: PathBuf,
    read: u64,
}

/// A line of a journal, as far as it matters.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    device: &'a str,
    #[serde(borrow)]
    id: &'a str,
    redelivered: bool,
}

/// Memory that an account of so many readings takes, in bytes.
pub fn bytes_of(readings: u64) -> u64 {
    // A bit for each on either side.
    2 * readings.div_ceil(8)
}

impl Readings {
    /// An account of `plan` with consumers that write `journals`; `None` when the plan
    /// has no readings, or its consumers are not the harness's own.
    pub fn of(plan: &Plan, journals: Vec<PathBuf>) -> Option<Self> {
        let System::Cluster(_) = plan.system else {
            return None;
        };
        if plan.readings.is_empty() || journals.is_empty() {
            return None;
        }
        let loads = plan.readings.iter().map(|load| {
            let total = load.due_before(plan.duration);
            Load {
                plan: load.clone(),
                accepted: Bits::all(total, true),
                handled: Bits::all(total, false),
            }
        });
        let tail = |path| Tail { path, read: 0 };
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
    pub fn unaccepted(&mut self, of: &Unaccepted) {
        let Some(load) = self.loads.get_mut(of.load as usize) else {
            return;
        };
        for number in &of.open {
            load.accepted.set(*number, false);
        }
        let mut number = of.first_unsent;
        while number < load.accepted.len {
            load.accepted.set(number, false);
            number += load.plan.devices;
        }
    }

    /// Readings accepted that no consumer has written down by now.
    pub fn missing(&self) -> u64 {
        let missing = |load: &Load| load.accepted.without(&load.handled);
        self.loads.iter().map(missing).sum()
    }

    /// Different readings that consumers have written down by now.
    pub fn handled(&self) -> u64 {
        self.loads.iter().map(|load| load.handled.ones()).sum()
    }

    /// Reads what the journals have more than at the last time; a line that is not
    /// complete yet is left for the next. A journal that is not there has nothing.
    pub fn read_more(&mut self) {
        let mut journals = std::mem::take(&mut self.journals);
        for journal in &mut journals {
            if let Err(error) = self.read_tail(journal)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(path = %journal.path.display(), %error, "journal");
            }
        }
        self.journals = journals;
    }

    /// For the record; `whole` says whether every worker told what was not accepted.
    pub fn occurrence(&self, whole: bool) -> Occurrence {
        Occurrence::Readings {
            handled: self.handled(),
            duplicated: self.duplicated,
            redelivered: self.redelivered,
            unknown: self.unknown,
            unreadable: self.unreadable,
            lost: whole.then(|| self.missing()),
        }
    }

    fn read_tail(&mut self, journal: &mut Tail) -> io::Result<()> {
        let mut file = File::open(&journal.path)?;
        file.seek(SeekFrom::Start(journal.read))?;
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = io::Read::take(&mut reader, LONGEST_LINE).read_until(b'\n', &mut line)?;
            match line.strip_suffix(b"\n") {
                Some(line) => self.line(line),
                // Torn, or still being written.
                None if (read as u64) < LONGEST_LINE => return Ok(()),
                None => self.unreadable += 1,
            }
            journal.read += read as u64;
        }
    }

    fn line(&mut self, line: &[u8]) {
        let Ok(line) = serde_json::from_slice::<Line<'_>>(line) else {
            self.unreadable += 1;
            return;
        };
        let Some((load, number)) = self.find(&line) else {
            self.unknown += 1;
            return;
        };
        self.redelivered += u64::from(line.redelivered);
        let handled = &mut self.loads[load].handled;
        self.duplicated += u64::from(handled.set(number, true));
    }

    /// The reading that a line names, if the plan has it and that device sends it.
    fn find(&self, line: &Line<'_>) -> Option<(usize, u64)> {
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
struct Bits {
    len: u64,
    words: Vec<u64>,
}

impl Bits {
    fn all(len: u64, one: bool) -> Self {
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

    fn ones(&self) -> u64 {
        self.words
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }

    /// Ones that the other has not.
    fn without(&self, other: &Self) -> u64 {
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
        [[readings]]
        rate = "10/s"
    "#;

    fn account(journals: Vec<PathBuf>) -> Readings {
        let plan = highwater_scenarios::parse("r.toml", PLAN, &[]);
        let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(plan.duration, Duration::from_secs(10));
        Readings::of(&plan, journals).expect("a plan with readings and consumers")
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
        let mut account = account(paths.to_vec());
        account.read_more();
        assert_eq!((account.missing(), account.handled()), (100, 0));

        let mut first: String = (0..60).map(|number| line(number, false)).collect();
        first.push_str(&line(7, true));
        first.push_str("{\"torn");
        fs::write(&paths[0], &first).expect("written");
        account.read_more();
        assert_eq!((account.missing(), account.duplicated), (40, 1));

        // The torn line is completed, and is none of ours; the rest comes elsewhere.
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(&paths[0])
            .expect("there");
        file.write_all(b"\":1}\n").expect("written");
        let second: String = (60..98).map(|number| line(number, true)).collect();
        fs::write(&paths[1], second + &line(100, false)).expect("written");
        account.read_more();
        account.unaccepted(&Unaccepted {
            load: 0,
            device: 2,
            first_unsent: 101,
            open: vec![98],
        });
        assert_eq!(
            account.occurrence(true),
            Occurrence::Readings {
                handled: 98,
                duplicated: 1,
                redelivered: 39,
                unknown: 1,
                unreadable: 1,
                lost: Some(1),
            }
        );
        let Occurrence::Readings { lost: None, .. } = account.occurrence(false) else {
            panic!("what was accepted is not known");
        };
    }

    #[test]
    fn what_was_never_sent_was_not_accepted() {
        let mut account = account(vec!["/nowhere".into()]);
        account.unaccepted(&Unaccepted {
            load: 0,
            device: 1,
            first_unsent: 4,
            open: vec![1],
        });
        // 1, and 4, 7, … 97 of the hundred.
        assert_eq!(account.missing(), 100 - 33);
    }

    proptest! {
        #[test]
        fn bits_are_a_set(len in 1u64..300, operations in prop::collection::vec((any::<bool>(), 0u64..320), 0..200)) {
            let mut bits = Bits::all(len, true);
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
            prop_assert_eq!(bits.ones(), model.len() as u64);
            prop_assert_eq!(bits.without(&Bits::all(len, false)), model.len() as u64);
        }
    }
}
