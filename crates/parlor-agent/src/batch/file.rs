//! The file of a batch: a line for each item that ended.

use parlor_core::{BatchStatus, Error, ErrorKind, Result};
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
    /// The provider's batches that aren't done with.
    notes: Vec<Note>,
}

/// What is known of a batch that a provider has. It is written down before the
/// batch is handed in, when it was taken, and when its results are in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Note {
    /// The program's own name for it.
    pub(super) name: String,
    /// The model that was asked.
    pub(super) model: String,
    /// The items in it; told the first time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) keys: Vec<String>,
    /// What the provider calls it; told once it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<BatchStatus>,
    /// Whether it is done with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) closed: bool,
}

impl Note {
    pub(super) fn new(name: String, model: String) -> Self {
        Self {
            name,
            model,
            keys: Vec::new(),
            status: None,
            closed: false,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct NoteLine<N> {
    batch: N,
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
            // Windows cuts no file that is open to be added to.
            let file = OpenOptions::new().write(true).open(path)?;
            file.set_len(whole as u64)?;
        }
        if lines.is_empty() {
            file.write_all(HEAD.as_bytes())?;
        }
        let mut answers = HashMap::new();
        let mut notes = Vec::new();
        for line in lines.split(|byte| *byte == b'\n').skip(1) {
            // A line that says nothing readable is an item that isn't there.
            match serde_json::from_slice::<Line<'_, serde::de::IgnoredAny>>(line) {
                Ok(line) => {
                    if let Some(answer) = line.answer {
                        answers.insert(line.key, answer.to_owned());
                    }
                }
                Err(_) => {
                    if let Ok(line) = serde_json::from_slice::<NoteLine<Note>>(line) {
                        join(&mut notes, line.batch);
                    }
                }
            }
        }
        notes.retain(|it| !it.closed);
        Ok(Self {
            path: path.to_owned(),
            file,
            answers,
            named: HashMap::new(),
            notes,
        })
    }

    /// The provider's batches that aren't done with.
    pub(super) fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// Writes down what is known of a batch, onto the disk.
    pub(super) fn note(&mut self, note: &Note) -> Result<()> {
        let written = self
            .add(&NoteLine { batch: note })
            .and_then(|()| self.file.sync_data());
        written.map_err(|error| trouble("write", &self.path, error))
    }

    /// What an item is called that describes itself so: a hash of what it asks,
    /// and for the second and later of equal items a number.
    pub(super) fn name(
        &mut self,
        describe: impl FnOnce(&mut dyn io::Write) -> serde_json::Result<()>,
    ) -> String {
        let mut hash = Hash::default();
        // Nothing that is asked fails to be JSON; if it did, its beginning and
        // its number among those with the same beginning would name it.
        let _ = describe(&mut hash);
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
        self.add(&line)
            .map_err(|error| trouble("write", &self.path, error))
    }

    /// Adds a line, in one piece.
    fn add(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(line)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }
}

/// Adds what a later line says of a batch to what is known of it.
fn join(notes: &mut Vec<Note>, later: Note) {
    match notes.iter_mut().find(|it| it.name == later.name) {
        None => notes.push(later),
        Some(note) => {
            note.closed |= later.closed;
            note.status = later.status.or(note.status.take());
        }
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
