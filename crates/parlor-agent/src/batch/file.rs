//! The file of a batch: a line for each item that ended.

use super::job::Job;
use parlor_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// The first line, by which such a file is known.
const HEAD: &str = "{\"parlor\":\"batch\",\"version\":1}\n";

/// What is in the file, and the file to add to.
pub(super) struct Kept {
    path: PathBuf,
    file: File,
    /// Answers by the names of their items.
    answers: HashMap<String, Box<RawValue>>,
    /// How often an item was named: equal ones are told apart by it.
    named: HashMap<u128, u32>,
}

#[derive(Serialize, Deserialize)]
struct Line<'a, E> {
    key: String,
    /// For a person who reads it; an item may have moved.
    item: usize,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    answer: Option<&'a RawValue>,
    /// Why there is no answer; such an item is asked again.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    error: Option<E>,
}

fn none<E>() -> Option<E> {
    None
}

impl Kept {
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        Self::read(&path).map_err(|error| trouble("read", &path, error))
    }

    fn read(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let mut file = options.create(true).read(true).append(true).open(path)?;
        // A device may never end.
        if !file.metadata()?.is_file() {
            return Err(not_ours());
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => at + 1,
            None => 0,
        };
        let (lines, half) = bytes.split_at(whole);
        let ours = match lines.is_empty() {
            true => HEAD.as_bytes().starts_with(half),
            false => lines.starts_with(HEAD.as_bytes()),
        };
        if !ours {
            return Err(not_ours());
        }
        if !half.is_empty() {
            file.set_len(whole as u64)?;
        }
        if lines.is_empty() {
            file.write_all(HEAD.as_bytes())?;
        }
        let mut answers = HashMap::new();
        for line in lines.split(|byte| *byte == b'\n').skip(1) {
            // A line that says nothing readable is an item that isn't there.
            if let Ok(line) = serde_json::from_slice::<Line<'_, serde::de::IgnoredAny>>(line)
                && let Some(answer) = line.answer
            {
                answers.insert(line.key, answer.to_owned());
            }
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            answers,
            named: HashMap::new(),
        })
    }

    /// What an item is called: a hash of what it asks, and for the second and
    /// later of equal items a number.
    pub(super) fn name<T>(&mut self, job: &dyn Job<'_, T>) -> String {
        let mut hash = Hash::default();
        // Nothing that is asked fails to be JSON; if it did, its beginning and
        // its number among those with the same beginning would name it.
        let _ = job.describe(&mut hash);
        let times = self.named.entry(hash.0).or_default();
        *times += 1;
        match *times {
            1 => format!("{:032x}", hash.0),
            times => format!("{:032x}-{times}", hash.0),
        }
    }

    /// The answer that an item has already.
    pub(super) fn take(&mut self, name: &str) -> Option<Box<RawValue>> {
        self.answers.remove(name)
    }

    /// Writes what came of an item, in one piece.
    pub(super) fn write(
        &mut self,
        name: &str,
        item: usize,
        answer: Option<Box<RawValue>>,
        error: Option<&Error>,
    ) -> Result<()> {
        let line = Line {
            key: name.to_owned(),
            item,
            answer: answer.as_deref(),
            error,
        };
        let written = serde_json::to_vec(&line)
            .map_err(io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                self.file.write_all(&line)
            });
        written.map_err(|error| trouble("write", &self.path, error))
    }
}

fn not_ours() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is no batch's file")
}

fn trouble(what: &str, path: &Path, error: io::Error) -> Error {
    let message = format!("cannot {what} the batch's file {}: {error}", path.display());
    Error::new(ErrorKind::Configuration, message)
        .with_help("Name a file of an earlier batch, or one that isn't there, in a folder that can be written to.")
        .with_source(error)
}

/// FNV-1a of 128 bits: the same in every build and on every machine, and wide
/// enough for two of a million items not to meet.
struct Hash(u128);

impl Default for Hash {
    fn default() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
