//! Samples that wait for the others of their family, in a temporary file.
//!
//! A text format wants all samples of a family together, and a record has them second by second.
//! Memory holds a block of each family, and one whole family while it is written.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

/// Samples of a family that are written to the file together.
const BLOCK_LEN: usize = 2_048;
/// Bytes of an encoded sample.
const ENTRY_BYTES: usize = 4 + 1 + 8 + 8;

/// A sample of a family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SpoolEntry {
    /// Number of its series.
    pub(super) series: u32,
    /// Number of its part, for families whose samples have several.
    pub(super) part: u8,
    /// Milliseconds since 1970.
    pub(super) at_ms: i64,
    /// Value.
    pub(super) value: f64,
}

/// The samples of all families.
#[derive(Default)]
pub(super) struct Spool {
    /// Created when the first block is full.
    file: Option<File>,
    length: u64,
    families: Vec<SpooledFamily>,
}

#[derive(Default)]
struct SpooledFamily {
    waiting: Vec<SpoolEntry>,
    /// Places of full blocks in the file.
    blocks: Vec<u64>,
}

impl Spool {
    /// Adds a sample to a family.
    pub(super) fn push(&mut self, family: usize, entry: SpoolEntry) -> io::Result<()> {
        if self.families.len() <= family {
            self.families.resize_with(family + 1, Default::default);
        }
        let waiting = &mut self.families[family].waiting;
        waiting.push(entry);
        if waiting.len() < BLOCK_LEN {
            return Ok(());
        }
        let bytes: Vec<u8> = waiting.drain(..).flat_map(encode).collect();
        let file = match &mut self.file {
            Some(file) => file,
            // Without a name: the kernel removes it with this process.
            file => file.insert(tempfile::tempfile()?),
        };
        file.write_all(&bytes)?;
        self.families[family].blocks.push(self.length);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Returns all samples of a family, in the order of their arrival. No sample is added after
    /// this.
    pub(super) fn take(&mut self, family: usize) -> io::Result<Vec<SpoolEntry>> {
        let Some(spooled) = self.families.get_mut(family) else {
            return Ok(Vec::new());
        };
        let mut entries = Vec::with_capacity(spooled.blocks.len() * BLOCK_LEN);
        let mut bytes = vec![0; BLOCK_LEN * ENTRY_BYTES];
        for at in std::mem::take(&mut spooled.blocks) {
            if let Some(file) = &mut self.file {
                file.seek(SeekFrom::Start(at))?;
                file.read_exact(&mut bytes)?;
                entries.extend(bytes.chunks_exact(ENTRY_BYTES).filter_map(decode));
            }
        }
        entries.append(&mut spooled.waiting);
        Ok(entries)
    }
}

fn encode(entry: SpoolEntry) -> [u8; ENTRY_BYTES] {
    let mut bytes = [0; ENTRY_BYTES];
    bytes[..4].copy_from_slice(&entry.series.to_le_bytes());
    bytes[4] = entry.part;
    bytes[5..13].copy_from_slice(&entry.at_ms.to_le_bytes());
    bytes[13..].copy_from_slice(&entry.value.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<SpoolEntry> {
    let (series, rest) = bytes.split_first_chunk()?;
    let (part, rest) = rest.split_first()?;
    let (at_ms, value) = rest.split_first_chunk()?;
    Some(SpoolEntry {
        series: u32::from_le_bytes(*series),
        part: *part,
        at_ms: i64::from_le_bytes(*at_ms),
        value: f64::from_le_bytes(value.try_into().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn family_comes_back_whole_and_in_order() {
        let mut spool = Spool::default();
        let entry = |number: usize| SpoolEntry {
            series: number as u32,
            part: (number % 7) as u8,
            at_ms: -5 + number as i64,
            value: number as f64 / 3.0,
        };
        let count = 3 * BLOCK_LEN + 17;
        for number in 0..count {
            spool.push(number % 2, entry(number)).unwrap();
        }
        for family in [0, 1, 2] {
            let expected = (0..count).filter(|number| number % 2 == family).map(entry);
            assert_eq!(spool.take(family).unwrap(), expected.collect::<Vec<_>>());
        }
    }
}
