//! Reads the events of a streamed answer.

use super::super::error;
use super::super::response::read::{finish_reason, logprobs, usage};
use super::super::wire::{
    ContentFields, DeltaMessage, Fields, Object, OneOrMany, StreamEvent, parse,
};
use super::parts::Parts;
use crate::dialect::{Decoder, Frame, Target};
use crate::json::{self, Text};
use crate::template::{Single, Template};
use parlor_core::{Error, Event, Result};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::VecDeque;

/// The most unknown things that are told of one answer.
const MAX_UNKNOWN: usize = 64;

/// Reads the events of a streamed answer. The stream is complete at
/// `message-end`.
#[derive(Debug)]
pub struct CohereDecoder {
    pub(super) parts: Parts,
    /// Names of unknown things that were told; each is told once.
    told: Vec<String>,
    failed: bool,
    /// The place is an item's index and whether it is thought.
    template: Template<(u64, bool)>,
    /// Takes a text that has escapes.
    scratch: String,
}

impl CohereDecoder {
    pub(in super::super) fn new(target: &Target<'_>) -> Self {
        Self {
            parts: Parts::new(target),
            told: Vec::new(),
            failed: false,
            template: Template::default(),
            scratch: String::new(),
        }
    }

    fn read(
        &mut self,
        frame: &Frame<'_>,
        scratch: &mut String,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        if let Some(single) = self.template.fill(frame, scratch) {
            let (index, thought) = single.place;
            let text = Text(Cow::Borrowed(single.text));
            let mut fields = ContentFields::default();
            match thought {
                true => fields.thinking = text,
                false => fields.text = text,
            }
            return self.parts.content_delta(index, &fields, out);
        }
        let data = frame.data.trim_ascii();
        let event = json::read::<StreamEvent<'_>>(data, scratch).map_err(|error| {
            Error::decode(format!("an event is not JSON: {error}")).with_body(data)
        })?;
        self.event(&event, frame, out)?;
        if let Some(single) = single(&event, frame) {
            self.template.learn(frame, &single);
        }
        Ok(())
    }

    fn event(
        &mut self,
        event: &StreamEvent<'_>,
        frame: &Frame<'_>,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let kind = match &*event.kind {
            "" => frame.event.unwrap_or_default(),
            kind => kind,
        };
        let index = event.index.unwrap_or_default();
        let none = DeltaMessage::default();
        let message = event.delta.as_ref().and_then(|it| it.message.as_ref());
        let message = message.unwrap_or(&none);
        match kind {
            "content-delta" => {
                self.parts.content_delta(index, &message.content.0, out)?;
                match event.logprobs {
                    Some(raw) => self.logprobs(raw, out),
                    None => Ok(()),
                }
            }
            "content-start" => {
                let whole = || item_of(frame.data);
                let fields = &message.content.0;
                self.parts.content_start(index, fields, whole, out)
            }
            "content-end" => {
                self.parts.content_end(index);
                Ok(())
            }
            "tool-plan-delta" => {
                self.parts.plan(&message.tool_plan);
                Ok(())
            }
            "tool-call-start" => each(index, message.tool_calls, |index, call| {
                self.parts.call_start(index, call, out)
            }),
            "tool-call-delta" => each(index, message.tool_calls, |index, call| {
                self.parts.call_delta(index, call, out)
            }),
            "tool-call-end" => {
                self.parts.call_end(index);
                Ok(())
            }
            "citation-start" => {
                let citations: OneOrMany<Value> = message.citations.map(parse).unwrap_or_default();
                for citation in citations.into_vec() {
                    self.parts.citation(citation, out);
                }
                Ok(())
            }
            "citation-end" => Ok(()),
            "message-start" => {
                self.parts.assembler.start(Some(&event.id), None, None);
                self.beyond(frame.data, out);
                Ok(())
            }
            // An error under the name of the end.
            "message-end" if event.delta.is_none() => match error::reported(frame.data) {
                Some(error) => Err(error),
                None => self.end("", None, out),
            },
            "message-end" => {
                self.parts.assembler.start(Some(&event.id), None, None);
                let delta = event.delta.as_ref();
                let raw = delta.and_then(|it| it.error);
                if let Some(error) = raw.and_then(|raw| error::told(raw, frame.data)) {
                    return Err(error);
                }
                self.beyond(frame.data, out);
                let word = delta.map(|it| &*it.finish_reason).unwrap_or_default();
                self.end(word, delta.and_then(|it| it.usage), out)
            }
            kind => self.other(kind, frame.data, out),
        }
    }

    /// An event of no known type: a whole answer, an error, or news.
    fn other(&mut self, kind: &str, data: &[u8], out: &mut VecDeque<Event>) -> Result<()> {
        let mut scratch = String::new();
        let fields = json::read::<Fields<'_>>(data, &mut scratch);
        if fields.as_ref().is_ok_and(is_answer) {
            return self.whole(data, out);
        }
        if let Some(error) = error::reported(data) {
            return Err(error);
        }
        if self.tells(kind.to_owned()) {
            let mut scratch = String::new();
            let item: Value = json::read(data, &mut scratch).unwrap_or_default();
            self.parts.assembler.unknown(item, out);
        }
        Ok(())
    }

    /// What an event says beyond the fields that are known.
    fn beyond(&mut self, data: &[u8], out: &mut VecDeque<Event>) {
        let mut scratch = String::new();
        let fields: Fields<'_> = json::read(data, &mut scratch).unwrap_or_default();
        let inner = |fields: &Fields<'_>, key: &str| match fields.get(key) {
            Some(raw) => parse::<Object>(raw),
            None => Object::new(),
        };
        self.unknown(&fields, &["type", "id", "index", "delta"], None, out);
        let delta = inner(&fields, "delta");
        let known = ["message", "finish_reason", "usage", "error"];
        self.news(&delta, &known, None, out);
        if let Some(Value::Object(message)) = delta.get("message") {
            let known = ["role", "content", "tool_plan", "tool_calls", "citations"];
            self.news(message, &known, Some("message"), out);
        }
    }

    pub(super) fn unknown(
        &mut self,
        fields: &Fields<'_>,
        known: &[&str],
        within: Option<&str>,
        out: &mut VecDeque<Event>,
    ) {
        let news = fields.iter().filter(|it| !known.contains(&&**it.0));
        let news: Object = news
            .map(|(key, raw)| (key.to_string(), parse(raw)))
            .collect();
        self.news(&news, known, within, out);
    }

    /// Tells of fields that core doesn't model, each once.
    fn news(
        &mut self,
        fields: &Object,
        known: &[&str],
        within: Option<&str>,
        out: &mut VecDeque<Event>,
    ) {
        for (key, value) in fields {
            let name = format!("{}.{key}", within.unwrap_or_default());
            if value.is_null() || known.contains(&key.as_str()) || !self.tells(name) {
                continue;
            }
            let item = match within {
                Some(within) => json!({ within: { key: value } }),
                None => json!({ key: value }),
            };
            self.parts.assembler.unknown(item, out);
        }
    }

    fn tells(&mut self, name: String) -> bool {
        let is_new = self.told.len() < MAX_UNKNOWN && !self.told.contains(&name);
        if is_new {
            self.told.push(name);
        }
        is_new
    }

    pub(super) fn logprobs(&mut self, raw: &RawValue, out: &mut VecDeque<Event>) -> Result<()> {
        let tokens = logprobs(parse::<OneOrMany<_>>(raw).into_vec());
        self.parts.assembler.logprobs(0, false, tokens, out)
    }

    pub(super) fn end(
        &mut self,
        word: &str,
        raw: Option<&RawValue>,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        self.parts.end(out)?;
        if let Some(raw) = raw {
            let usage = usage(parse(raw));
            self.parts.assembler.usage(usage, out);
        }
        self.parts.assembler.finish(0, finish_reason(word), out)?;
        self.parts.assembler.complete(out)
    }
}

impl Decoder for CohereDecoder {
    fn decode(&mut self, frame: Frame<'_>, out: &mut VecDeque<Event>) -> Result<()> {
        let data = frame.data.trim_ascii();
        // The end marker says no more than `message-end` does.
        let idle = data.is_empty() || data.starts_with(b":") || data == b"[DONE]";
        if self.failed || self.parts.assembler.is_completed() || idle {
            return Ok(());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let outcome = self.read(&frame, &mut scratch, out);
        self.scratch = scratch;
        self.failed = outcome.is_err();
        outcome.map_err(|error| error.with_provider(&*self.parts.assembler.origin().provider))
    }

    fn is_over(&self) -> bool {
        self.parts.assembler.is_completed()
    }

    fn finish(&mut self, _: &mut VecDeque<Event>) -> Result<()> {
        match self.failed || self.parts.assembler.is_completed() {
            true => Ok(()),
            false => {
                Err(Error::truncated().with_provider(&*self.parts.assembler.origin().provider))
            }
        }
    }
}

/// What an event says that says a single text.
fn single<'a>(event: &StreamEvent<'a>, frame: &Frame<'_>) -> Option<Single<'a, (u64, bool)>> {
    let kind = match &*event.kind {
        "" => frame.event.unwrap_or_default(),
        kind => kind,
    };
    let message = event.delta.as_ref()?.message.as_ref()?;
    let ContentFields { text, thinking, .. } = &message.content.0;
    let (thought, text) = match (thinking.is_empty(), text.is_empty()) {
        (true, false) => (false, text),
        (false, true) => (true, thinking),
        _ => return None,
    };
    if kind != "content-delta" || event.logprobs.is_some() {
        return None;
    }
    let index = event.index.unwrap_or_default();
    Some(Single::new((index, thought), text.borrowed()?))
}

/// Whether an object is a whole answer and not an error.
pub(super) fn is_answer(fields: &Fields<'_>) -> bool {
    let message = fields.get("message");
    fields.contains_key("finish_reason") || message.is_some_and(|it| it.get().starts_with('{'))
}

/// Does something with each call of a list, or with the one that stands in its
/// place.
pub(super) fn each(
    index: u64,
    raw: Option<&RawValue>,
    mut act: impl FnMut(u64, &RawValue) -> Result<()>,
) -> Result<()> {
    let Some(raw) = raw else { return Ok(()) };
    if raw.get().starts_with('{') {
        return act(index, raw);
    }
    let list: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
    for (at, call) in (0..).zip(list) {
        act(index.saturating_add(at), call)?;
    }
    Ok(())
}

/// The item of the content that an event begins.
fn item_of(data: &[u8]) -> Object {
    let mut scratch = String::new();
    let mut event: Value = json::read(data, &mut scratch).unwrap_or_default();
    match event.pointer_mut("/delta/message/content").map(Value::take) {
        Some(Value::Object(item)) => item,
        _ => Object::new(),
    }
}
