//! What is wrong in a file that a person wrote: where, and what was expected.

use std::fmt;
use std::path::{Path, PathBuf};

use parlor_core::{Error, ErrorKind};
use serde::de::DeserializeOwned;

use crate::suggest::{Candidate, suggest};

/// One thing wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The file, when the text came from one.
    pub path: Option<PathBuf>,
    /// Line, from 1; 0 when the place isn't known.
    pub line: usize,
    /// Column in characters, from 1; 0 when the place isn't known.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}:", path.display())?;
        }
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        if self.path.is_some() || self.line > 0 {
            f.write_str(" ")?;
        }
        f.write_str(&self.message)
    }
}

/// All that is wrong in a file, at least one thing. Shown one to a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        debug_assert!(!problems.is_empty(), "problems without a problem");
        Self(problems)
    }

    /// A problem at a byte offset of the text.
    pub(crate) fn at(text: &str, offset: Option<usize>, message: impl Into<String>) -> Self {
        Self::new(vec![problem_at(text, offset, message)])
    }

    /// A problem whose line and column a parser has told.
    pub(crate) fn line_column(line: usize, column: usize, message: impl Into<String>) -> Self {
        Self::new(vec![Problem {
            path: None,
            line,
            column,
            message: message.into(),
        }])
    }

    /// Names the file that every problem is in.
    #[must_use]
    pub fn in_file(mut self, path: &Path) -> Self {
        for problem in &mut self.0 {
            problem.path = Some(path.to_owned());
        }
        self
    }

    /// The problems, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Error::new(ErrorKind::Configuration, problems.to_string()).with_source(problems)
    }
}

/// A problem at a byte offset of the text.
pub(crate) fn problem_at(text: &str, offset: Option<usize>, message: impl Into<String>) -> Problem {
    let before = offset.and_then(|offset| text.get(..offset));
    let (line, column) = match before {
        None => (0, 0),
        Some(before) => {
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            let lines = before.bytes().filter(|byte| *byte == b'\n').count();
            let column = before.get(line_start..).map_or(0, |l| l.chars().count());
            (lines + 1, column + 1)
        }
    };
    Problem {
        path: None,
        line,
        column,
        message: message.into(),
    }
}

/// What a TOML parser complains of, with its place. `others` are further keys that may stand
/// there.
pub(crate) fn from_toml_error(text: &str, error: &toml::de::Error, others: &[&str]) -> Problems {
    let offset = error.span().map(|span| span.start);
    let mut message = error.message().to_owned();
    if message.starts_with("unknown field ") {
        for other in others {
            message.push_str(&format!(", `{other}`"));
        }
    }
    Problems::at(text, offset, told(&message))
}

/// Reads a value from TOML.
///
/// # Errors
/// The first thing that is wrong, with line and column. Of an unknown key it
/// says which one may have been meant; a value that might be a secret isn't
/// repeated.
pub fn read_toml<T: DeserializeOwned>(text: &str) -> Result<T, Problems> {
    toml::from_str(text).map_err(|error| from_toml_error(text, &error, &[]))
}

/// What a parser complains of, as it may be shown: without a value that might be
/// a secret, and with the key that may have been meant where one isn't known.
pub fn told(message: &str) -> String {
    let mut message = hide_value(message);
    let meant = message.strip_prefix("unknown field `").and_then(|rest| {
        let (unknown, expected) = rest.split_once("`, expected ")?;
        let keys = expected.split('`').skip(1).step_by(2);
        let keys = keys.map(|name| Candidate {
            name,
            preferred: false,
        });
        suggest(unknown, keys, 1).first().map(|it| (*it).to_owned())
    });
    if let Some(meant) = meant {
        message.push_str(&format!("; did you mean `{meant}`?"));
    }
    message
}

/// What a JSON parser complains of, with its place.
pub(crate) fn from_json_error(error: &serde_json::Error) -> Problems {
    let full = error.to_string();
    let message = full
        .rsplit_once(" at line ")
        .map_or(full.as_str(), |(message, _)| message);
    Problems::line_column(error.line(), error.column(), hide_value(message))
}

/// Takes the text of a value of the wrong type out of a message: it may be a
/// key that was put in the wrong place.
fn hide_value(message: &str) -> String {
    let value = message
        .split_once("string \"")
        .and_then(|(before, rest)| Some((before, rest.rsplit_once("\", expected ")?.1)));
    match value {
        Some((before, expected)) => format!("{before}string, expected {expected}"),
        None => message.to_owned(),
    }
}
