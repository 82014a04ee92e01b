//! Collects what is wrong with values that a person wrote, each thing at its place.

use toml::de::{DeTable, DeValue};

use crate::problem::{Problem, Problems, problem_at};

/// Collects what is wrong with values that a person wrote, so that all of it is
/// told at once.
///
/// ```
/// use parlor_registry::Findings;
///
/// let mut findings = Findings::in_toml("[run]\nsteps = 0\n");
/// findings.add(&["run", "steps"], "must be at least 1");
/// let problems = findings.finish().unwrap_err();
/// assert_eq!(problems.to_string(), "2:1: `run.steps`: must be at least 1");
/// ```
#[derive(Debug, Default)]
pub struct Findings<'a> {
    toml: Option<&'a str>,
    found: Vec<(Vec<String>, String)>,
}

impl<'a> Findings<'a> {
    /// Nothing found yet in values that came from no text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing found yet in values that were read from this text: what is found
    /// has the line and the column of its key.
    pub fn in_toml(text: &'a str) -> Self {
        Self {
            toml: Some(text),
            found: Vec::new(),
        }
    }

    /// Adds what is wrong at a place, which is the keys from the outermost
    /// table to the value.
    pub fn add(&mut self, place: &[&str], message: impl Into<String>) {
        let message = format!("`{}`: {}", place.join("."), message.into());
        let place = place.iter().map(|key| (*key).to_owned()).collect();
        self.found.push((place, message));
    }

    /// All that was found, in the order of the text.
    ///
    /// # Errors
    /// That something was.
    pub fn finish(self) -> Result<(), Problems> {
        if self.found.is_empty() {
            return Ok(());
        }
        let text = self.toml.unwrap_or_default();
        let document = self.toml.and_then(|text| DeTable::parse(text).ok());
        let told = self.found.into_iter().map(|(place, message)| {
            let table = document.as_ref().map(|document| document.get_ref());
            problem_at(text, table.and_then(|it| offset(it, &place)), message)
        });
        let mut problems: Vec<Problem> = told.collect();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        Err(Problems::new(problems))
    }
}

/// Byte offset of the deepest part of a path that the document has.
fn offset(document: &DeTable<'_>, place: &[String]) -> Option<usize> {
    let mut table = document;
    let mut found = None;
    for key in place {
        let Some((key, value)) = table.get_key_value(key.as_str()) else {
            break;
        };
        found = Some(key.span().start);
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    found
}
