//! Which placeholder stands for what, in one exchange.

use super::{Finder, LONGEST_NAME};
use crate::texts::{self, Edit};
use parlor_core::{Arguments, ArgumentsForm, ChatRequest, ChatResponse, OutputFormat};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::ops::Bound;

/// No placeholder has more bytes: brackets, a kind, `_` and a number.
const LONGEST_PLACEHOLDER: usize = LONGEST_NAME + 23;

/// What was taken out of a request, by placeholder.
#[derive(Default)]
pub(super) struct Table {
    values: BTreeMap<String, String>,
    /// Whether the text of the answer is JSON, where values stand escaped.
    pub(super) json: bool,
}

// It holds what must not be seen.
impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// The request without what must not leave, and what that was; `None` where
/// there is nothing.
pub(super) fn redact(finder: &Finder, request: &ChatRequest) -> Option<(ChatRequest, Table)> {
    let mut taken = HashSet::new();
    for part in request.messages.iter().flat_map(|it| &it.parts) {
        texts::read(part, &mut |text| {
            taken.extend(bracketed(text).map(str::to_owned));
        });
    }
    let mut redaction = Redaction {
        finder,
        taken,
        known: HashMap::new(),
        numbers: HashMap::new(),
    };
    let mut redacted = request.clone();
    for part in redacted.messages.iter_mut().flat_map(|it| &mut it.parts) {
        texts::edit(part, &mut redaction);
    }
    let known = redaction.known.into_iter();
    let table = Table {
        values: known.map(|(value, name)| (name, value)).collect(),
        json: matches!(
            request.output,
            Some(OutputFormat::Json | OutputFormat::JsonSchema(_))
        ),
    };
    (!table.values.is_empty()).then_some((redacted, table))
}

/// What stands in brackets, with them: it may look like a placeholder.
fn bracketed(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('[').filter_map(|(at, _)| {
        let from = text.get(at..)?;
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let name = from.get(1..)?.split(|c| !is_name(c)).next()?;
        let whole = from.get(..name.len() + 2)?;
        (!name.is_empty() && whole.ends_with(']')).then_some(whole)
    })
}

/// Puts placeholders in the place of values.
struct Redaction<'a> {
    finder: &'a Finder,
    /// What stands in the request already and can't be a placeholder.
    taken: HashSet<String>,
    /// The placeholders by value.
    known: HashMap<String, String>,
    /// The last number of each kind.
    numbers: HashMap<&'a str, usize>,
}

impl Redaction<'_> {
    /// The text with placeholders, if there are any.
    fn redacted(&mut self, text: &str) -> Option<String> {
        let hits = self.finder.hits(text);
        let mut out = String::new();
        let mut done = 0;
        for hit in hits {
            let value = text.get(hit.place.clone())?;
            out.push_str(text.get(done..hit.place.start)?);
            if !self.known.contains_key(value) {
                let number = self.numbers.entry(hit.kind).or_default();
                let name = loop {
                    *number += 1;
                    let name = format!("[{}_{number}]", hit.kind);
                    if !self.taken.contains(&name) {
                        break name;
                    }
                };
                self.known.insert(value.to_owned(), name);
            }
            out.push_str(self.known.get(value)?);
            done = hit.place.end;
        }
        out.push_str(text.get(done..)?);
        (done > 0).then_some(out)
    }

    /// A number that is one of a card is a text afterwards.
    fn value(&mut self, value: Value) -> (Value, bool) {
        match value {
            Value::String(text) => match self.redacted(&text) {
                Some(redacted) => (redacted.into(), true),
                None => (text.into(), false),
            },
            Value::Number(number) => match self.redacted(&number.to_string()) {
                Some(redacted) => (redacted.into(), true),
                None => (number.into(), false),
            },
            Value::Array(values) => {
                let mut any = false;
                let values = values.into_iter().map(|value| {
                    let (value, changed) = self.value(value);
                    any |= changed;
                    value
                });
                (values.collect(), any)
            }
            Value::Object(fields) => {
                let (mut any, mut redacted) = (false, Map::new());
                for (mut name, value) in fields {
                    any |= self.text(&mut name);
                    let (value, changed) = self.value(value);
                    any |= changed;
                    redacted.insert(name, value);
                }
                (redacted.into(), any)
            }
            other => (other, false),
        }
    }
}

impl Edit for Redaction<'_> {
    fn text(&mut self, text: &mut String) -> bool {
        let redacted = self.redacted(text);
        let changed = redacted.is_some();
        *text = redacted.unwrap_or_else(|| std::mem::take(text));
        changed
    }

    fn words(&mut self, text: &mut String) -> bool {
        self.text(text)
    }

    fn arguments(&mut self, arguments: &mut Arguments) -> bool {
        // JSON is read, since what must not leave may stand escaped in it.
        match serde_json::from_str(&arguments.text) {
            Ok(value) if arguments.form == ArgumentsForm::Json => {
                let (value, changed) = self.value(value);
                if changed {
                    arguments.text = value.to_string();
                }
                changed
            }
            _ => self.text(&mut arguments.text),
        }
    }
}

/// What a text is at a bracket.
enum Bracket<'a> {
    /// A placeholder of this length, and what it stands for.
    Whole(usize, &'a str),
    /// Perhaps the beginning of one, up to the text's end.
    Begun,
    /// Nothing.
    Other,
}

impl Table {
    fn bracket(&self, from: &str) -> Bracket<'_> {
        let mut near = from.bytes().take(LONGEST_PLACEHOLDER);
        let whole = near.position(|byte| byte == b']').and_then(|end| {
            let name = from.get(..=end)?;
            Some((name.len(), self.values.get(name)?))
        });
        if let Some((length, value)) = whole {
            return Bracket::Whole(length, value);
        }
        let after = (Bound::Included(from), Bound::Unbounded);
        let mut after = self.values.range::<str, _>(after);
        match after.next() {
            Some((name, _)) if name.starts_with(from) => Bracket::Begun,
            _ => Bracket::Other,
        }
    }

    /// The text with values for placeholders, and what is left of it that may
    /// be the beginning of one; `None` where nothing changes.
    pub(super) fn restored<'a>(&self, text: &'a str, json: bool) -> Option<(String, &'a str)> {
        if !text.contains('[') {
            return None;
        }
        let (mut out, mut rest, mut changed) = (String::new(), text, false);
        while let Some((before, _)) = rest.split_once('[') {
            let (before, from) = rest.split_at(before.len());
            out.push_str(before);
            let length = match self.bracket(from) {
                Bracket::Whole(length, value) => {
                    push(&mut out, value, json);
                    changed = true;
                    length
                }
                Bracket::Begun => return Some((out, from)),
                Bracket::Other => {
                    out.push('[');
                    1
                }
            };
            rest = from.get(length..).unwrap_or_default();
        }
        out.push_str(rest);
        changed.then_some((out, ""))
    }

    /// A response with what was taken out put back.
    pub(super) fn restore(&self, response: &mut ChatResponse) {
        let choices = response.choices.iter_mut();
        for part in choices.flat_map(|choice| &mut choice.message.parts) {
            texts::edit(part, &mut Restoration(self));
        }
    }
}

fn push(out: &mut String, value: &str, json: bool) {
    match serde_json::to_string(value) {
        Ok(quoted) if json => out.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default()),
        _ => out.push_str(value),
    }
}

/// Puts values in the place of placeholders.
pub(super) struct Restoration<'a>(pub(super) &'a Table);

impl Restoration<'_> {
    fn put_back(&self, text: &mut String, json: bool) -> bool {
        let Some((mut restored, begun)) = self.0.restored(text, json) else {
            return false;
        };
        restored.push_str(begun);
        let changed = restored != *text;
        *text = restored;
        changed
    }
}

impl Edit for Restoration<'_> {
    fn text(&mut self, text: &mut String) -> bool {
        self.put_back(text, self.0.json)
    }

    fn words(&mut self, text: &mut String) -> bool {
        self.put_back(text, false)
    }

    fn arguments(&mut self, arguments: &mut Arguments) -> bool {
        let json = arguments.form != ArgumentsForm::Text;
        self.put_back(&mut arguments.text, json)
    }
}
