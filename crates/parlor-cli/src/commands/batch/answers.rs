//! Where a batch's answers go: stdout in order, or a file that a later run goes on with.
//!
//! The file is whole at any time: a line is added in one piece, a piece that doesn't fit on the
//! disk is taken away again, and the order is made in a file beside it that takes its place.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use parlor::{Error, ErrorKind};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::questions::Question;
use crate::failure::Failure;
use crate::terminal;

/// Takes the answers.
pub(super) enum Answers {
    File(AnswerFile),
    Stdout(InOrder),
}

impl Answers {
    /// Whether a question has its answer from an earlier run.
    pub(super) fn has(&self, index: usize) -> bool {
        match self {
            Self::File(file) => file.lines.get(&index).is_some_and(|it| it.is_answer),
            Self::Stdout(_) => false,
        }
    }

    /// Adds the line of a question.
    pub(super) fn add(
        &mut self,
        index: usize,
        line: String,
        is_answer: bool,
    ) -> Result<(), Failure> {
        match self {
            Self::File(file) => {
                let added = file.add(index, &line, is_answer);
                added.map_err(|error| trouble("write", &file.path, &error))
            }
            Self::Stdout(lines) => Ok(lines.add(index, line)?),
        }
    }

    /// Nothing more comes.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        match self {
            Self::File(file) => {
                let put = file.put_in_order();
                put.map_err(|error| trouble("order", &file.path, &error))
            }
            Self::Stdout(lines) => Ok(lines.finish()?),
        }
    }
}

/// Lines in the order of the questions: one that comes early waits.
#[derive(Debug, Default)]
pub(super) struct InOrder {
    next: usize,
    waiting: BTreeMap<usize, String>,
}

impl InOrder {
    fn add(&mut self, index: usize, line: String) -> io::Result<()> {
        self.waiting.insert(index, line);
        while let Some(line) = self.waiting.remove(&self.next) {
            terminal::say(&line)?;
            self.next += 1;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.waiting).into_values();
        terminal::say(&rest.collect::<String>())
    }
}

/// A file of answers.
pub(super) struct AnswerFile {
    path: PathBuf,
    file: File,
    length: u64,
    /// The last line of each question.
    lines: BTreeMap<usize, Line>,
    /// Whether each line stands after those before it, and none is of no use.
    is_in_order: bool,
}

/// Where the line of a question stands, and whether it is an answer.
struct Line {
    from: u64,
    length: u64,
    is_answer: bool,
}

/// What a line tells of itself.
#[derive(Deserialize)]
struct Told {
    index: usize,
    key: String,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

impl AnswerFile {
    /// Opens the file, or makes it, and sees which questions are answered.
    ///
    /// # Errors
    /// Where it is another's, or has answers to other questions.
    pub(super) fn open(path: &Path, questions: &[Question]) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        // Not to be added to, since Windows cuts no such file.
        options.create(true).read(true).write(true).truncate(false);
        let file = options.open(path);
        let mut file = file.map_err(|error| trouble("open", path, &error))?;
        let shown = path.display();
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let fact = format!("another parlor writes to {shown}");
                return Err(wrong(fact).help("wait for it, or name another file with -o"));
            }
            // Not every disk has locks.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let mut bytes = Vec::new();
        let read = file.metadata().and_then(|it| match it.is_file() {
            true => file.read_to_end(&mut bytes),
            false => Err(io::Error::other("it is no file")),
        });
        read.map_err(|error| trouble("read", path, &error))?;
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let mut answers = Self {
            path: path.to_owned(),
            file,
            length: whole as u64,
            lines: BTreeMap::new(),
            is_in_order: true,
        };
        let mut from = 0;
        for (at, line) in bytes[..whole]
            .split_inclusive(|byte| *byte == b'\n')
            .enumerate()
        {
            let at = at + 1;
            let Ok(told) = serde_json::from_slice::<Told>(line) else {
                let fact = format!("{shown}:{at}: this is no answer of a batch");
                return Err(wrong(fact).help("name another file with -o, or remove this one"));
            };
            if questions
                .get(told.index)
                .is_none_or(|it| it.key != told.key)
            {
                let index = told.index;
                let fact = format!(
                    "{shown}:{at}: this answers another question than number {index} is now, or another model"
                );
                return Err(wrong(fact)
                    .help("questions may be added at the end; those that were answered stay as they are")
                    .help("to ask anew, name another file with -o, or remove this one"));
            }
            let length = line.len() as u64;
            answers.note(told.index, from, length, told.error.is_none());
            from += length;
        }
        // Half a line is what a killed program leaves.
        if bytes.len() > whole {
            if !bytes[whole..].starts_with(b"{") {
                let fact = format!("{shown}: this is no file of a batch");
                return Err(wrong(fact).help("name another file with -o, or remove this one"));
            }
            let cut = answers.file.set_len(answers.length);
            cut.map_err(|error| trouble("write", path, &error))?;
        }
        Ok(answers)
    }

    fn note(&mut self, index: usize, from: u64, length: u64, is_answer: bool) {
        let last = self.lines.last_key_value();
        self.is_in_order &= last.is_none_or(|(last, _)| *last < index);
        let line = Line {
            from,
            length,
            is_answer,
        };
        self.lines.insert(index, line);
    }

    fn add(&mut self, index: usize, line: &str, is_answer: bool) -> io::Result<()> {
        let end = self.file.seek(SeekFrom::Start(self.length));
        if let Err(error) = end.and_then(|_| self.file.write_all(line.as_bytes())) {
            // If this fails too, the next run drops the half line.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        let length = line.len() as u64;
        self.note(index, self.length, length, is_answer);
        self.length += length;
        Ok(())
    }

    fn put_in_order(&mut self) -> io::Result<()> {
        if self.is_in_order {
            return self.file.sync_all();
        }
        let target = fs::canonicalize(&self.path)?;
        let mut beside = target.clone().into_os_string();
        beside.push(format!(".{}.part", std::process::id()));
        let beside = PathBuf::from(beside);
        let ordered = self.copy(&beside).and_then(|()| {
            fs::set_permissions(&beside, self.file.metadata()?.permissions())?;
            fs::rename(&beside, &target)
        });
        if ordered.is_err() {
            // What is left of a failed attempt is of no use; the failure is told.
            let _ = fs::remove_file(&beside);
        }
        ordered
    }

    fn copy(&mut self, to: &Path) -> io::Result<()> {
        let mut from = BufReader::new(&self.file);
        let mut to = BufWriter::new(OpenOptions::new().write(true).create_new(true).open(to)?);
        for line in self.lines.values() {
            from.seek(SeekFrom::Start(line.from))?;
            io::copy(&mut from.by_ref().take(line.length), &mut to)?;
        }
        to.flush()?;
        to.get_ref().sync_all()
    }
}

fn wrong(fact: String) -> Failure {
    Failure::bad_input("batch", ErrorKind::InvalidRequest, fact)
}

fn trouble(what: &str, path: &Path, error: &io::Error) -> Failure {
    let message = match what {
        "order" => format!(
            "the answers are all in {}, but can't be put in order: {error}",
            path.display()
        ),
        what => format!("cannot {what} {}: {error}", path.display()),
    };
    let failure = Failure::from(Error::new(ErrorKind::Configuration, message));
    match what {
        "open" => failure.help("name a file in a folder that can be written to"),
        _ => failure.help("what is in the file is whole: make room, and run it again to go on"),
    }
}
