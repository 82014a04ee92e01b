//! What a decoder remembers between frames.

use super::super::wire::{Extras, says_something};
use super::reasoning::Details;
use super::tools::{Bundle, Executed};
use crate::json::merge;
use crate::media;
use crate::think::ThinkSplitter;
use parlor_core::{FinishReason, Media, MediaKind, MediaSource};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// The most names of unknown fields that are kept; no host comes near it.
const MAX_NAMES: usize = 128;

/// What is known of one choice.
#[derive(Debug, Default)]
pub(super) struct ChoiceState {
    pub(super) index: u32,
    /// Why it ended, once that was said. More content may follow it.
    pub(super) reason: Option<FinishReason>,
    pub(super) details: Details,
    /// Whether thoughts came as plain text, which details then repeat.
    pub(super) plain_thoughts: bool,
    pub(super) think: Option<ThinkSplitter>,
    pub(super) audio: Option<Box<Audio>>,
    pub(super) executed: Executed,
    pub(super) bundle: Option<Box<Bundle>>,
    pub(super) refused: bool,
    /// Whether anything was said in it.
    pub(super) spoke: bool,
    /// Unknown fields of the choice and of its message.
    pub(super) extras: Kept,
    pub(super) message_extras: Kept,
}

/// Unknown fields by name, each with its latest value. A value that comes
/// again unchanged costs nothing.
#[derive(Debug, Default)]
pub(in super::super) struct Kept(Vec<(String, String)>);

impl Kept {
    pub(super) fn take<const N: usize>(&mut self, extras: &Extras<'_, N>) {
        for (name, raw) in extras.iter() {
            if let Some(json) = raw.said() {
                self.set(name, json);
            }
        }
    }

    pub(super) fn set(&mut self, name: &str, json: &str) {
        let room = self.0.len() < MAX_NAMES;
        match self.0.iter_mut().find(|it| it.0 == name) {
            Some((_, kept)) if kept == json => {}
            Some((_, kept)) => json.clone_into(kept),
            None if room && says_something(json) => {
                // Most have a name or two.
                self.0.reserve_exact(if self.0.len() < 2 {
                    2 - self.0.len()
                } else {
                    0
                });
                self.0.push((name.to_owned(), json.to_owned()));
            }
            None => {}
        }
    }

    /// Takes a field over from others, where they have it.
    pub(super) fn copy(&mut self, name: &str, others: &Self) {
        if let Some((_, json)) = others.0.iter().find(|it| it.0 == name) {
            self.set(name, json);
        }
    }

    /// The latest value of a field, when it fits.
    pub(in super::super) fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let (_, json) = self.0.iter().find(|it| it.0 == name)?;
        serde_json::from_str(json).ok()
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|it| it.0 != name);
    }

    pub(super) fn into_map(self) -> Map<String, Value> {
        let fields = self.0.into_iter();
        fields
            .filter_map(|(name, json)| Some((name, serde_json::from_str(&json).ok()?)))
            .collect()
    }
}

/// Sound that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Audio {
    item: Map<String, Value>,
    bytes: Vec<u8>,
    /// Base64 whose rest is still to come.
    carry: String,
    transcript: String,
}

impl Audio {
    /// Takes a piece: id, base64 data, transcript and what else there is.
    pub(super) fn take(&mut self, piece: Map<String, Value>) {
        for (key, value) in piece {
            match (&*key, value) {
                ("data", Value::String(data)) => self.data(&data),
                ("transcript", Value::String(text)) => self.transcript.push_str(&text),
                (_, Value::Null | Value::Bool(_)) => {}
                (_, value) => {
                    self.item.insert(key, value);
                }
            }
        }
    }

    /// Each piece is base64 of its own for some servers, a cut of one for
    /// others.
    fn data(&mut self, data: &str) {
        self.carry.push_str(data);
        if self.carry.len().is_multiple_of(4) {
            // What is no base64 now won't become one.
            self.bytes
                .extend_from_slice(&media::decode(&self.carry).unwrap_or_default());
            self.carry.clear();
        }
    }

    /// The sound, and the item that stands for it in the next request.
    pub(super) fn finish(self) -> (Media, Option<Value>) {
        let source = MediaSource::Bytes(self.bytes.into());
        let mut media = Media::new(MediaKind::Audio, source);
        media.transcript = (!self.transcript.is_empty()).then_some(self.transcript);
        let item = (!self.item.is_empty()).then(|| json!({"audio": self.item}));
        (media, item)
    }
}

/// Unknown fields that stand at one place; `None` if there are too many to be
/// kept.
pub(in super::super) fn fields<const N: usize>(
    extras: &Extras<'_, N>,
) -> Option<Map<String, Value>> {
    let mut fields = Map::new();
    for (name, raw) in extras.iter() {
        if let Some(value) = raw.read() {
            fields.insert(name.to_string(), value);
        }
    }
    (fields.len() <= MAX_NAMES).then_some(fields)
}

/// The unknown fields of a whole answer as one item, in the answer's shape:
/// its own, and of each choice the index, its own and its message's.
pub(in super::super) fn unknown(
    mut item: Map<String, Value>,
    choices: impl Iterator<Item = (u32, Map<String, Value>, Map<String, Value>)>,
) -> Option<Value> {
    let mut list = Vec::new();
    for (index, own, message) in choices {
        if own.is_empty() && message.is_empty() {
            continue;
        }
        let mut choice = Map::new();
        choice.insert("index".to_owned(), index.into());
        merge(&mut choice, &own);
        if !message.is_empty() {
            choice.insert("message".to_owned(), message.into());
        }
        list.push(Value::Object(choice));
    }
    if !list.is_empty() {
        item.insert("choices".to_owned(), list.into());
    }
    (!item.is_empty()).then_some(Value::Object(item))
}
