//! Tools of a client's that only its dialect has words for, offered as functions.

use crate::calls::{hash, is_plain};
use parlor_core::{Arguments, ArgumentsForm};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The most characters of a function's name that every provider takes.
const NAME_LIMIT: usize = 64;

/// The argument of a function that stands for a tool which takes a text.
const INPUT: &str = "input";

/// What a client calls the tools that its request has as functions: those of groups, and those that
/// take a text and no JSON. Its answer is written by it, with
/// [`ServerDialect::encoder_for`](crate::ServerDialect::encoder_for).
///
/// Empty for most requests, and then without an allocation. A clone is cheap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientTools(Option<Arc<BTreeMap<String, ClientTool>>>);

/// A tool as the client has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientTool {
    pub(crate) name: String,
    /// The group that it is in.
    pub(crate) namespace: Option<String>,
    /// Whether it takes a text.
    pub(crate) is_text: bool,
}

impl FromIterator<(String, ClientTool)> for ClientTools {
    fn from_iter<I: IntoIterator<Item = (String, ClientTool)>>(tools: I) -> Self {
        let mut tools = tools.into_iter().peekable();
        let has_some = tools.peek().is_some();
        Self(has_some.then(|| Arc::new(tools.collect())))
    }
}

impl ClientTools {
    /// Whether all functions are what the client has.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The tool that a function stands for.
    pub(crate) fn get(&self, function: &str) -> Option<&ClientTool> {
        self.0.as_ref()?.get(function)
    }

    /// The functions that stand for tools, with these.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &ClientTool)> {
        let tools = self.0.iter().flat_map(|tools| tools.iter());
        tools.map(|(function, tool)| (function.as_str(), tool))
    }
}

/// The names of a request's functions, each there once.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeSet<String>);

impl FromIterator<String> for Names {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

impl Names {
    /// The first of these names that every provider takes and nothing has, or else one made of the
    /// last: the same for the same tools.
    pub(crate) fn take(&mut self, wanted: &[&str]) -> String {
        let free = wanted.iter().find(|it| suits(it) && !self.0.contains(**it));
        if let Some(name) = free {
            self.0.insert((*name).to_owned());
            return (*name).to_owned();
        }
        let last = wanted.last().copied().unwrap_or_default();
        let head = head_of(last);
        let mut name = format!("{head}_{:08x}", hash(last));
        while !self.0.insert(name.clone()) {
            name = format!("{head}_{:08x}", hash(&name));
        }
        name
    }
}

/// The beginning of a name that every provider takes, with room for what tells it apart.
fn head_of(name: &str) -> String {
    let clean = |it: char| if is_plain(it) { it } else { '_' };
    // A letter first.
    let begins = name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_');
    let head = if begins { "" } else { "_" };
    let letters = head.chars().chain(name.chars().map(clean));
    letters.take(NAME_LIMIT - 9).collect()
}

/// The name of a function as every provider takes it: this one, or one made of it, the same each time.
pub fn function_name(name: &str) -> Cow<'_, str> {
    match name.is_empty() || suits(name) {
        true => name.into(),
        false => format!("{}_{:08x}", head_of(name), hash(name)).into(),
    }
}

/// Whether every provider takes a function of this name.
fn suits(name: &str) -> bool {
    let begins = |it: char| it.is_ascii_alphabetic() || it == '_';
    name.len() <= NAME_LIMIT && name.starts_with(begins) && name.chars().all(is_plain)
}

/// The schema of a function that stands for a tool which takes a text.
pub(crate) fn text_schema() -> Value {
    json!({
        "type": "object",
        "properties": { INPUT: { "type": "string" } },
        "required": [INPUT],
        "additionalProperties": false,
    })
}

/// A text as the arguments of such a function.
pub(crate) fn arguments_of(text: &str) -> Arguments {
    Arguments::from(json!({ INPUT: text }))
}

/// The text that a call of such a function brings. One that was cut stays as it came, in its
/// quotes, so that nobody takes a beginning for the whole.
pub(crate) fn text_of(arguments: &Arguments) -> String {
    let text = arguments.text.as_str();
    let read = match arguments.form {
        ArgumentsForm::Json => serde_json::from_str(text).ok(),
        _ => None,
    };
    match read {
        Some(Value::String(said)) => said,
        Some(Value::Object(mut fields)) => {
            only_text(&mut fields).unwrap_or_else(|| text.to_owned())
        }
        Some(Value::Null) => String::new(),
        // Some models write what the tool takes and no JSON.
        _ => text.to_owned(),
    }
}

/// The text under the name that was asked for, or the only one there is.
fn only_text(fields: &mut Map<String, Value>) -> Option<String> {
    let key = match (fields.contains_key(INPUT), fields.len()) {
        (true, _) => INPUT.to_owned(),
        (false, 0) => return Some(String::new()),
        (false, 1) => fields.keys().next()?.clone(),
        _ => return None,
    };
    match fields.get_mut(&key)? {
        Value::String(said) => Some(std::mem::take(said)),
        _ => None,
    }
}

/// Takes the text out of such arguments as they come, for display: where they are written in
/// another way it gives nothing.
#[derive(Debug, Default)]
pub(crate) struct InputText {
    at: At,
    /// What can't be read before more has come.
    held: String,
}

#[derive(Debug, Default, Clone, Copy)]
enum At {
    #[default]
    Before,
    Within,
    After,
}

impl InputText {
    /// The text in the next fragment.
    pub(crate) fn push(&mut self, fragment: &str) -> String {
        match self.at {
            At::Before => {
                self.held.push_str(fragment);
                match opening(&self.held) {
                    None => String::new(),
                    Some(Ok(begins)) => {
                        let rest = self.held.split_off(begins);
                        self.held.clear();
                        self.at = At::Within;
                        self.within(rest)
                    }
                    Some(Err(())) => self.end(),
                }
            }
            At::Within => {
                let mut text = std::mem::take(&mut self.held);
                text.push_str(fragment);
                self.within(text)
            }
            At::After => String::new(),
        }
    }

    fn end(&mut self) -> String {
        self.at = At::After;
        self.held = String::new();
        String::new()
    }

    fn within(&mut self, text: String) -> String {
        let mut said = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, from)) = rest
            .find(['"', '\\'])
            .and_then(|at| rest.split_at_checked(at))
        {
            said.push_str(before);
            rest = "";
            match escaped(from) {
                Some(Ok((it, after))) => {
                    said.push(it);
                    rest = after;
                }
                None => {
                    self.held = from.to_owned();
                    break;
                }
                Some(Err(())) => {
                    self.end();
                    break;
                }
            }
        }
        said.push_str(rest);
        said
    }
}

/// Where the text begins in arguments that begin so; an error where they have none, nothing where
/// that isn't known yet.
fn opening(arguments: &str) -> Option<Result<usize, ()>> {
    let mut rest = arguments;
    for token in ["{", "\"input\"", ":", "\""] {
        rest = rest.trim_start();
        match rest.strip_prefix(token) {
            Some(after) => rest = after,
            None if token.starts_with(rest) => return None,
            None => return Some(Err(())),
        }
    }
    Some(Ok(arguments.len() - rest.len()))
}

/// The character that an escape stands for, and what comes behind it; an error at the end of the
/// text, nothing where more is to come.
fn escaped(text: &str) -> Option<Result<(char, &str), ()>> {
    let Some(escape) = text.strip_prefix('\\') else {
        return Some(Err(()));
    };
    let mut rest = escape.chars();
    let plain = match rest.next()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        it @ ('"' | '\\' | '/') => it,
        'u' => return unicode(rest.as_str()),
        _ => return Some(Err(())),
    };
    Some(Ok((plain, rest.as_str())))
}

/// A character in UTF-16, of which the second half has an escape of its own.
fn unicode(text: &str) -> Option<Result<(char, &str), ()>> {
    let unit = |text: &str| u16::from_str_radix(text.get(..4)?, 16).ok();
    let need = |text: &str, bytes: usize| text.len() >= bytes;
    if !need(text, 4) {
        return None;
    }
    let Some(first) = unit(text) else {
        return Some(Err(()));
    };
    let is_half = (0xD800..0xDC00).contains(&first);
    if is_half && !need(text, 10) {
        return None;
    }
    let second = text.get(4..).and_then(|it| it.strip_prefix("\\u"));
    let second = second.and_then(unit).filter(|_| is_half);
    let length = if second.is_some() { 10 } else { 4 };
    let units = std::iter::once(first).chain(second);
    let read = char::decode_utf16(units).next().and_then(Result::ok);
    Some(read.zip(text.get(length..)).ok_or(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_suit_every_provider_and_are_there_once() {
        let mut names: Names = ["look".to_owned()].into_iter().collect();
        assert_eq!(names.take(&["see", "eyes__see"]), "see");
        assert_eq!(names.take(&["look", "eyes__look"]), "eyes__look");
        let again = names.take(&["look", "eyes__look"]);
        let third = names.take(&["look", "eyes__look"]);
        assert_ne!(again, third);
        let long = "a".repeat(80);
        let other = format!("{}b", &long[..79]);
        for wanted in ["", "2.see", "über", &long, &other, &again, &third] {
            let name = names.take(&[wanted]);
            assert!(suits(&name), "{name}");
            assert_ne!(name, wanted);
        }
    }

    #[test]
    fn the_text_is_found_however_it_is_cut() {
        let wanted = "a \"b\"\\\n\tü \u{1f600} /é";
        let plain = arguments_of(wanted).text;
        let spaced = r#" { "input" : "a \"b\"\\\n\t\u00fc \ud83d\ude00 \/\u00e9" } "#;
        for arguments in [plain.as_str(), spaced] {
            assert_eq!(text_of(&Arguments::json(arguments)), wanted);
            for size in 1..arguments.len() {
                let mut text = InputText::default();
                let mut said = String::new();
                let mut rest = arguments;
                while !rest.is_empty() {
                    let at =
                        (size.min(rest.len())..=rest.len()).find(|at| rest.is_char_boundary(*at));
                    let (fragment, after) = rest.split_at(at.unwrap());
                    said += &text.push(fragment);
                    rest = after;
                }
                assert_eq!(said, wanted, "{size}");
            }
        }
    }

    #[test]
    fn what_a_model_writes_otherwise_is_taken_as_it_is_meant() {
        for (arguments, wanted) in [
            (r#""free""#, "free"),
            (r#"{"code": "free"}"#, "free"),
            (r#"{"input": "free", "why": 1}"#, "free"),
            ("{}", ""),
            ("", ""),
            ("free", "free"),
            (r#"{"a": "b", "c": "d"}"#, r#"{"a": "b", "c": "d"}"#),
            (r#"{"input": 1}"#, r#"{"input": 1}"#),
        ] {
            assert_eq!(text_of(&Arguments::json(arguments)), wanted);
        }
        let cut = Arguments::cut(r#"{"input": "rm "#);
        assert_eq!(text_of(&cut), cut.text);
        for odd in [
            r#"{"a": "b"}"#,
            "free",
            r#"{"input": 1}"#,
            r#"{"input": "\x"}"#,
        ] {
            assert_eq!(InputText::default().push(odd), "");
        }
        let lone = r#"{"input": "a\ud83dbcdefghijk"}"#;
        assert_eq!(InputText::default().push(lone), "a");
    }
}
