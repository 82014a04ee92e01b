//! Arguments of a call that come in pieces, each with the path it belongs to.

use crate::gemini::wire::{self, PartialArg, Scalar};
use parlor_core::{Error, Result};
use serde_json::{Map, Value};

/// How deep arguments may nest.
const MAX_DEPTH: usize = 64;

/// How many texts may go on at a time.
const MAX_OPEN: usize = 64;

/// Builds the arguments of one call.
///
/// Paths are those of RFC 9535 with names and indexes alone, such as
/// `$.places[0].city`. What they name are keys of plain maps, so no name is
/// special, and an index is at most the length of its list, so a hostile one
/// can't take memory.
#[derive(Debug, Default)]
pub(super) struct PartialArgs {
    root: Map<String, Value>,
    /// Paths of texts that go on with a later piece.
    open: Vec<String>,
}

impl PartialArgs {
    /// Takes arguments that came whole after all.
    pub(super) fn set(&mut self, args: Value) {
        if let Value::Object(args) = args
            && !args.is_empty()
        {
            self.root = args;
        }
    }

    /// Takes a piece.
    ///
    /// # Errors
    /// `Decode`, for a path that isn't one or doesn't fit what came before.
    pub(super) fn push(&mut self, piece: &PartialArg<'_>) -> Result<()> {
        let path = &*piece.json_path;
        let wrong = || {
            Error::decode(format!(
                "arguments come with an impossible path: {path:.100}"
            ))
        };
        let steps = steps(path).ok_or_else(wrong)?;
        let was_open = self.open.iter().position(|it| it == path);
        let goes_on = piece.will_continue.is_true();
        let value = match (&piece.string, piece.number, &piece.bool) {
            (Some(text), _, _) => Value::String(text.to_string()),
            (None, Some(number), _) => wire::value(number),
            (None, None, Scalar::Bool(yes)) => Value::Bool(*yes),
            _ if goes_on || was_open.is_some() => Value::String(String::new()),
            _ => Value::Null,
        };
        let slot = self.slot(&steps).ok_or_else(wrong)?;
        match (slot, value) {
            (Value::String(text), Value::String(more)) if was_open.is_some() => {
                text.push_str(&more);
            }
            (slot, value) => *slot = value,
        }
        match was_open {
            Some(at) if !goes_on => {
                self.open.swap_remove(at);
            }
            None if goes_on && self.open.len() < MAX_OPEN => self.open.push(path.to_owned()),
            _ => {}
        }
        Ok(())
    }

    /// The place that a path leads to, made where it wasn't there.
    fn slot(&mut self, steps: &[Step<'_>]) -> Option<&mut Value> {
        let (Step::Key(first), rest) = steps.split_first()? else {
            return None;
        };
        let mut at = self.root.entry(*first).or_insert(Value::Null);
        for step in rest {
            at = match step {
                Step::Key(key) => {
                    if at.is_null() {
                        *at = Value::Object(Map::new());
                    }
                    at.as_object_mut()?.entry(*key).or_insert(Value::Null)
                }
                Step::Index(index) => {
                    if at.is_null() {
                        *at = Value::Array(Vec::new());
                    }
                    let list = at.as_array_mut()?;
                    if *index == list.len() {
                        list.push(Value::Null);
                    }
                    list.get_mut(*index)?
                }
            };
        }
        Some(at)
    }

    /// The arguments as JSON text.
    pub(super) fn into_text(self) -> String {
        Value::Object(self.root).to_string()
    }
}

#[derive(Debug, PartialEq)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// The steps of a path; `None` if it has others than names and indexes.
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() && steps.len() < MAX_DEPTH {
        if let Some(tail) = rest.strip_prefix('.') {
            let end = tail.find(['.', '[']).unwrap_or(tail.len());
            let (name, tail) = tail.split_at(end);
            steps.push(Step::Key(name));
            rest = tail;
            continue;
        }
        let tail = rest.strip_prefix('[')?;
        let quote = tail.chars().next()?;
        if matches!(quote, '\'' | '"') {
            let (name, tail) = tail.get(1..)?.split_once(quote)?;
            steps.push(Step::Key(name));
            rest = tail.strip_prefix(']')?;
        } else {
            let (index, tail) = tail.split_once(']')?;
            steps.push(Step::Index(index.parse().ok()?));
            rest = tail;
        }
    }
    (rest.is_empty() && !steps.is_empty()).then_some(steps)
}
