//! Reads the events of a streamed answer.

use super::super::response::{finish_reason, usage};
use super::super::wire::{Delta, Fields, Object, ReasoningDelta, StreamEvent, parse};
use super::super::{NAME, error};
use super::blocks::Blocks;
use crate::dialect::{Decoder, Frame, Target};
use crate::json::{self, Text};
use crate::template::{Single, Template};
use parlor_core::{Error, Event, FinishKind, FinishReason, Result};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::VecDeque;

/// Reads the events of a streamed answer.
///
/// The answer is whole at `messageStop`; what it consumed follows in
/// `metadata`, which some models send before. The stream is complete when both
/// have come, or at its end once the first has.
#[derive(Debug)]
pub struct ConverseDecoder {
    blocks: Blocks,
    usage: Object,
    /// Whether `messageStop` has come.
    stopped: bool,
    /// Whether `metadata` has come.
    described: bool,
    failed: bool,
    /// The place is a block's index and what is said there.
    template: Template<(u64, Said)>,
    /// Takes a text that has escapes.
    scratch: String,
}

/// What a delta says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Text,
    Thought,
    Input,
}

impl ConverseDecoder {
    pub(in super::super) fn new(target: &Target<'_>) -> Self {
        Self {
            blocks: Blocks::new(target.origin(NAME)),
            usage: Object::new(),
            stopped: false,
            described: false,
            failed: false,
            template: Template::default(),
            scratch: String::new(),
        }
    }

    /// Reads a whole answer: a message, or an error.
    pub(in super::super) fn whole(&mut self, body: &[u8], out: &mut VecDeque<Event>) -> Result<()> {
        let mut scratch = String::new();
        let mut fields: Fields<'_> = json::read(body, &mut scratch)
            .map_err(|_| Error::decode("the answer is not a JSON object").with_body(body))?;
        if !fields.contains_key("output") && !fields.contains_key("stopReason") {
            return Err(error::from_body(body));
        }
        let output = fields.remove("output").map(parse_fields);
        let message = output.and_then(|it| it.get("message").copied());
        let content = message.map(parse_fields).unwrap_or_default();
        let content = content.get("content").map(|raw| parse::<Value>(raw));
        for item in content.into_iter().flat_map(into_items) {
            if let Value::Object(item) = item {
                self.blocks.whole(item, out)?;
            }
        }
        let reason = take_reason(&mut fields);
        // The figures come before the end, so that both are told at once.
        self.metadata(fields, out)?;
        self.stop(reason, Fields::new(), out)
    }

    fn read(
        &mut self,
        frame: &Frame<'_>,
        scratch: &mut String,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        if let Some(single) = self.template.fill(frame, scratch) {
            return self.single(&single, frame.data, out);
        }
        let data = frame.data.trim_ascii();
        if let Some(name) = frame.exception {
            return Err(error::from_frame(name, frame.message, data));
        }
        if data.is_empty() {
            return Ok(());
        }
        let event = json::read::<StreamEvent<'_>>(data, scratch).map_err(|error| {
            Error::decode(format!("an event is not JSON: {error}")).with_body(data)
        })?;
        self.event(&event, frame, data, out)?;
        if let Some(single) = single(&event, frame) {
            self.template.learn(frame, &single);
        }
        Ok(())
    }

    fn single(
        &mut self,
        single: &Single<'_, (u64, Said)>,
        data: &[u8],
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let (index, said) = single.place;
        let text = Text(Cow::Borrowed(single.text));
        let mut delta = Delta::default();
        match said {
            Said::Text => delta.text = Some(text),
            Said::Thought => {
                let thought = ReasoningDelta {
                    text,
                    ..ReasoningDelta::default()
                };
                delta.reasoning_content = Some(thought);
            }
            Said::Input => return self.blocks.write(index, single.text, out),
        }
        self.blocks.delta(index, &delta, data, out)
    }

    fn event(
        &mut self,
        event: &StreamEvent<'_>,
        frame: &Frame<'_>,
        data: &[u8],
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let index = event.content_block_index.unwrap_or_default();
        match (kind_of(event, frame), &event.delta, event.start) {
            ("contentBlockDelta", Some(delta), _) => self.blocks.delta(index, delta, data, out),
            ("contentBlockStart", _, Some(start)) => self.blocks.start(index, start, out),
            ("contentBlockDelta" | "contentBlockStart" | "messageStart", ..) => Ok(()),
            ("contentBlockStop", ..) => self.blocks.stop(index, out),
            (kind, ..) => self.rare(kind, data, out),
        }
    }

    /// An event that comes once.
    fn rare(&mut self, kind: &str, data: &[u8], out: &mut VecDeque<Event>) -> Result<()> {
        let mut scratch = String::new();
        let mut fields: Fields<'_> = json::read(data, &mut scratch).unwrap_or_default();
        let has = |key: &str| fields.contains_key(key);
        match kind {
            "messageStop" => {
                let reason = take_reason(&mut fields);
                self.stop(reason, fields, out)
            }
            "metadata" => self.metadata(fields, out),
            _ if kind.ends_with("Exception") => Err(error::from_frame(kind, None, data)),
            // Events whose name was lost on the way.
            "" if has("stopReason") && !has("output") => self.rare("messageStop", data, out),
            "" if has("output") => self.whole(data, out),
            "" if has("usage") || has("metrics") => self.metadata(fields, out),
            "" if has("contentBlockIndex") => {
                let index = fields.get("contentBlockIndex").map(|raw| parse(raw));
                self.blocks.stop(index.unwrap_or_default(), out)
            }
            "" if has("message") || has("Message") || has("__type") => Err(error::from_body(data)),
            "" => Ok(()),
            _ => {
                let said = object(fields);
                if !said.is_empty() {
                    let item = Object::from_iter([(kind.to_owned(), said.into())]);
                    self.blocks.assembler.unknown(item, out);
                }
                Ok(())
            }
        }
    }

    fn stop(
        &mut self,
        reason: FinishReason,
        fields: Fields<'_>,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        if self.stopped {
            return Ok(());
        }
        self.stopped = true;
        self.blocks
            .end_message(reason.kind == FinishKind::Length, out)?;
        self.beyond(fields, out);
        self.blocks.assembler.finish(0, reason, out)?;
        match self.described {
            true => self.blocks.assembler.complete(out),
            false => Ok(()),
        }
    }

    fn metadata(&mut self, mut fields: Fields<'_>, out: &mut VecDeque<Event>) -> Result<()> {
        self.described = true;
        if let Some(raw) = fields.remove("usage") {
            let later: Object = parse(raw);
            let said = later.into_iter().filter(|(_, value)| !value.is_null());
            self.usage.extend(said);
            self.blocks.assembler.usage(usage(&self.usage), out);
        }
        self.beyond(fields, out);
        match self.stopped {
            true => self.blocks.assembler.complete(out),
            false => Ok(()),
        }
    }

    /// What is said beyond content, reason and usage. `p` is padding.
    fn beyond(&mut self, fields: Fields<'_>, out: &mut VecDeque<Event>) {
        for (key, raw) in fields {
            let value: Value = parse(raw);
            let said = match &value {
                Value::Null => false,
                Value::Object(object) => !object.is_empty(),
                _ => true,
            };
            if &*key != "p" && said {
                let item = Object::from_iter([(key.to_string(), value)]);
                self.blocks.assembler.unknown(item, out);
            }
        }
    }
}

impl Decoder for ConverseDecoder {
    fn decode(&mut self, frame: Frame<'_>, out: &mut VecDeque<Event>) -> Result<()> {
        if self.failed || self.blocks.assembler.is_completed() {
            return Ok(());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let outcome = self.read(&frame, &mut scratch, out);
        self.scratch = scratch;
        self.failed = outcome.is_err();
        outcome
    }

    fn is_over(&self) -> bool {
        !self.failed && self.stopped
    }

    fn finish(&mut self, out: &mut VecDeque<Event>) -> Result<()> {
        if self.failed || self.blocks.assembler.is_completed() {
            return Ok(());
        }
        match self.stopped {
            true => self.blocks.assembler.complete(out),
            false => Err(Error::truncated()),
        }
    }
}

/// The name of an event; where it has none, what its fields say.
fn kind_of<'a>(event: &StreamEvent<'_>, frame: &Frame<'a>) -> &'a str {
    match frame.event {
        Some(name) if !name.is_empty() => name,
        _ if event.delta.is_some() => "contentBlockDelta",
        _ if event.start.is_some() => "contentBlockStart",
        _ => "",
    }
}

/// What an event says that says a single text: the first of text, thoughts and
/// input that is there.
fn single<'a>(event: &StreamEvent<'a>, frame: &Frame<'_>) -> Option<Single<'a, (u64, Said)>> {
    let delta = event.delta.as_ref()?;
    if kind_of(event, frame) != "contentBlockDelta" {
        return None;
    }
    let thoughts = delta.reasoning_content.as_ref();
    let (said, text) = match (&delta.text, thoughts, &delta.tool_use) {
        (Some(text), ..) => (Said::Text, text.borrowed()?),
        (None, Some(thoughts), _) => {
            if !thoughts.signature.is_empty() || !thoughts.redacted_content.is_empty() {
                return None;
            }
            (Said::Thought, thoughts.text.borrowed()?)
        }
        (None, None, Some(tool)) => {
            let quoted = tool.input?.get();
            (Said::Input, quoted.strip_prefix('"')?.strip_suffix('"')?)
        }
        (None, None, None) => return None,
    };
    let index = event.content_block_index.unwrap_or_default();
    let mut single = Single::new((index, said), text);
    single.idle[0] = event.p.borrowed().unwrap_or_default();
    Some(single)
}

fn take_reason(fields: &mut Fields<'_>) -> FinishReason {
    let word = fields.remove("stopReason").map(parse::<Value>);
    match word.as_ref().and_then(Value::as_str) {
        Some(word) if !word.is_empty() => finish_reason(word),
        _ => FinishReason::from(FinishKind::Stop),
    }
}

/// The fields of an object; none if it isn't one.
fn parse_fields(raw: &RawValue) -> Fields<'_> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn object(fields: Fields<'_>) -> Object {
    let said = fields.into_iter().filter(|(key, _)| &**key != "p");
    said.map(|(key, raw)| (key.to_string(), parse(raw)))
        .collect()
}

fn into_items(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}
