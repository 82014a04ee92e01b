//! Where recordings are kept.

use super::form::{Head, Line};
use super::{Id, ReplayMode};
use parlor_core::{Error, ErrorKind, Result};
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

const EXTENSION: &str = "jsonl";

/// An exchange as it was recorded.
#[derive(Debug, Clone)]
pub(super) struct Recording {
    pub(super) head: Head,
    /// What follows, each a [`Line`] in JSON.
    pub(super) lines: Vec<String>,
}

impl Recording {
    pub(super) fn lines(&self) -> Result<Vec<Line>> {
        let lines = self.lines.iter().map(|it| serde_json::from_str(it));
        lines.collect::<Result<_, _>>().map_err(|_| self.wrong())
    }

    /// Whether it is a stream that was opened.
    pub(super) fn is_open(&self) -> bool {
        let first = self.lines.first().map(|it| serde_json::from_str(it));
        matches!(first, Some(Ok(Line::Opened(_))))
    }

    /// The error of a recording that doesn't hold what it should.
    pub(super) fn wrong(&self) -> Error {
        let message = format!(
            "the recording {} has lines that don't belong there",
            self.head.key
        );
        Error::new(ErrorKind::Decode, message).with_help("Record it anew.")
    }

    fn write(&self, out: &mut String) -> serde_json::Result<()> {
        out.push_str(&serde_json::to_string(&Line::Recording(self.head.clone()))?);
        out.push('\n');
        for line in &self.lines {
            out.push_str(line);
            out.push('\n');
        }
        Ok(())
    }

    /// The name of its file in a folder.
    fn file(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let model: String = self.head.model.chars().map(plain).take(60).collect();
        let digits = self.head.key.rsplit(':').next().unwrap_or_default();
        let digits: String = digits.chars().map(plain).take(16).collect();
        format!("{model}-{digits}.{EXTENSION}")
    }
}

/// A file, or a folder of them.
#[derive(Debug, Clone)]
pub(super) enum Place {
    File(PathBuf),
    Folder(PathBuf),
}

/// Held while a file is read and written anew, by whichever layer of the program.
static WRITING: Mutex<()> = Mutex::new(());

impl Place {
    pub(super) fn of(path: PathBuf) -> Self {
        match path.extension() == Some(OsStr::new(EXTENSION)) && !path.is_dir() {
            true => Self::File(path),
            false => Self::Folder(path),
        }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Folder(path) => path,
        }
    }

    /// All recordings that are there.
    pub(super) fn read(&self) -> Result<Vec<Recording>> {
        match self {
            Self::File(path) => read(path),
            Self::Folder(folder) => {
                let mut files = Vec::new();
                match fs::read_dir(folder) {
                    Ok(entries) => {
                        for entry in entries {
                            files.push(entry.map_err(|error| unread(folder, error))?.path());
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(unread(folder, error)),
                }
                files.retain(|it| it.extension() == Some(OsStr::new(EXTENSION)));
                files.sort();
                let mut all = Vec::new();
                for file in files {
                    all.extend(read(&file)?);
                }
                Ok(all)
            }
        }
    }

    /// Writes what is new beside or in place of what was recorded. What others
    /// have recorded in the same files meanwhile stays, where it is more of the
    /// same.
    pub(super) fn write(
        &self,
        recorded: &[&Recording],
        new: &[&Recording],
        mode: ReplayMode,
    ) -> Result<()> {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = match self {
            Self::File(path) => {
                let others = match mode {
                    ReplayMode::Record => Vec::new(),
                    _ => read(path)?,
                };
                let mine = [recorded, new].concat();
                return write(path, &joined(&mine, &others));
            }
            Self::Folder(folder) => folder,
        };
        let mut files: BTreeMap<String, Vec<&Recording>> = BTreeMap::new();
        for recording in new {
            files.entry(recording.file()).or_default();
        }
        for recording in [recorded, new].concat() {
            if let Some(file) = files.get_mut(&recording.file()) {
                file.push(recording);
            }
        }
        for (name, mine) in files {
            let path = folder.join(name);
            write(&path, &joined(&mine, &read(&path)?))?;
        }
        Ok(())
    }
}

/// One's own recordings, and of others' those that there are more of.
fn joined<'a>(mine: &[&'a Recording], others: &'a [Recording]) -> Vec<&'a Recording> {
    let mut all = mine.to_vec();
    let mut counts: HashMap<Id, usize> = HashMap::new();
    for recording in mine {
        *counts.entry(recording.head.id()).or_default() += 1;
    }
    for other in others {
        match counts.get_mut(&other.head.id()) {
            Some(left) if *left > 0 => *left -= 1,
            _ => all.push(other),
        }
    }
    all
}

/// The recordings in a file; none where there is no file.
fn read(path: &Path) -> Result<Vec<Recording>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unread(path, error)),
    };
    let mut all: Vec<Recording> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |why: String| {
            let message = format!("{}, line {}: {why}", path.display(), number + 1);
            Error::new(ErrorKind::Configuration, message)
                .with_help("Correct the line, or record anew.")
        };
        match (serde_json::from_str(line), all.last_mut()) {
            (Ok(Line::Recording(head)), _) => all.push(Recording {
                head,
                lines: Vec::new(),
            }),
            (Ok(_), Some(recording)) => recording.lines.push(line.to_owned()),
            (Ok(_), None) => return Err(wrong("a recording begins with its request".to_owned())),
            (Err(error), _) => return Err(wrong(error.to_string())),
        }
    }
    Ok(all)
}

/// Writes a file beside its place and moves it there.
fn write(path: &Path, recordings: &[&Recording]) -> Result<()> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let failed = |error: io::Error| {
        let message = format!(
            "the recordings can't be written to {}: {error}",
            path.display()
        );
        Error::new(ErrorKind::Configuration, message).with_source(error)
    };
    let mut text = String::new();
    for recording in recordings {
        recording
            .write(&mut text)
            .map_err(|error| failed(error.into()))?;
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    if !folder.as_os_str().is_empty() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let beside = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
    let written = fs::File::create_new(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        failed(error)
    })
}

fn unread(path: &Path, error: io::Error) -> Error {
    let message = format!("{} can't be read: {error}", path.display());
    Error::new(ErrorKind::Configuration, message).with_source(error)
}
