//! Reads the events of a streamed answer.

use super::super::response::{finish_reason, merge_usage, usage};
use super::super::wire::{CHUNK, Chunk, Delta, Fields, Object, StreamEvent, parse};
use super::super::{NAME, error};
use super::blocks::Blocks;
use crate::dialect::{Decoder, Frame, Target};
use crate::exceptions;
use crate::json::{self, Text};
use crate::media;
use crate::template::{Single, Template};
use parlor_core::{Error, ErrorKind, Event, FinishKind, FinishReason, Result};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::VecDeque;

/// How long the event of a usual delta is, with a word in it.
const USUAL_DELTA: usize = 112;

/// Reads the events of a streamed answer.
///
/// The stream is complete at `message_stop`, or at its end once a stop reason has come.
#[derive(Debug)]
pub struct MessagesDecoder {
    blocks: Blocks,
    stop_reason: Option<String>,
    /// What the message says beyond its content, told when it is complete.
    beyond: Option<Box<Object>>,
    failed: bool,
    /// The place is a block's index and its delta's type.
    template: Template<(u64, &'static str)>,
    /// Takes a text that has escapes.
    scratch: String,
    /// The event of the last chunk, where they come in chunks.
    chunk: Vec<u8>,
}

impl MessagesDecoder {
    pub(in super::super) fn new(target: &Target<'_>) -> Self {
        Self {
            blocks: Blocks::new(target.origin(NAME), target.profile.think_tags),
            stop_reason: None,
            beyond: None,
            failed: false,
            template: Template::with_room(USUAL_DELTA),
            scratch: String::new(),
            chunk: Vec::new(),
        }
    }

    /// Reads the event that a chunk of an event stream holds.
    fn chunk(&mut self, frame: Frame<'_>, out: &mut VecDeque<Event>) -> Result<()> {
        let mut scratch = String::new();
        let mut event = std::mem::take(&mut self.chunk);
        event.clear();
        let read = json::read::<Chunk<'_>>(frame.data, &mut scratch);
        let whole = read.is_ok_and(|it| media::decode_into(&it.bytes, &mut event));
        let outcome = match whole {
            true => self.decode(Frame::data(&event), out),
            false => {
                self.failed = true;
                Err(Error::decode("a chunk is not base64 in JSON").with_body(frame.data))
            }
        };
        self.chunk = event;
        outcome
    }

    /// Reads a whole answer: a message, or an error.
    pub(in super::super) fn whole(&mut self, body: &[u8], out: &mut VecDeque<Event>) -> Result<()> {
        let mut scratch = String::new();
        let fields: Fields<'_> = json::read(body, &mut scratch)
            .map_err(|_| Error::decode("the answer is not a JSON object").with_body(body))?;
        let is_error = fields.get("type").is_some_and(|it| it.get() == "\"error\"");
        if is_error || (fields.contains_key("error") && !fields.contains_key("content")) {
            return Err(error::from_body(body));
        }
        if fields.contains_key(exceptions::NAME) {
            return Err(exceptions::from_body(body));
        }
        if !["content", "stop_reason", "role"]
            .iter()
            .any(|it| fields.contains_key(*it))
        {
            return Err(error::from_body(body).with_kind(ErrorKind::Decode));
        }
        self.message(&fields, out)?;
        let content: Option<&RawValue> = fields.get("content").copied();
        let content = content.map_or("[]", RawValue::get);
        match serde_json::from_str::<Vec<&RawValue>>(content) {
            Ok(blocks) => {
                for (index, block) in (0..).zip(blocks) {
                    self.blocks.start(index, block, out)?;
                    self.blocks.stop(index, out)?;
                }
            }
            // A copy that answers with a bare text.
            Err(_) => {
                let text = fields.get("content").map(|raw| parse::<Value>(raw));
                let text = text.as_ref().and_then(Value::as_str);
                self.blocks
                    .assembler
                    .text(0, text.unwrap_or_default(), out)?;
            }
        }
        self.complete(out)
    }

    fn read(
        &mut self,
        frame: &Frame<'_>,
        scratch: &mut String,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        if let Some(single) = self.template.fill(frame, scratch) {
            let (index, kind) = single.place;
            if kind == TEXT && self.blocks.text(index, single.text, out) {
                return Ok(());
            }
            let text = Text(Cow::Borrowed(single.text));
            let mut delta = Delta::default();
            match kind {
                TEXT => delta.text = text,
                THINKING => delta.thinking = text,
                _ => delta.partial_json = text,
            }
            delta.kind = Text(Cow::Borrowed(kind));
            return self.blocks.delta(index, &delta, frame.data, out);
        }
        let data = frame.data.trim_ascii();
        // Some gateways keep the connection alive with data that is no event.
        if data.is_empty() || data.starts_with(b":") || data == b"[DONE]" {
            return Ok(());
        }
        let event = match json::read::<StreamEvent<'_>>(data, scratch) {
            Ok(event) => event,
            // The answer stands; what is damaged is no part of it.
            Err(_) if self.stop_reason.is_some() && frame.event != Some("error") => return Ok(()),
            Err(error) => {
                let error = Error::decode(format!("an event is not JSON: {error}"));
                return Err(error.with_body(data));
            }
        };
        self.event(&event, frame, out)?;
        if let Some(single) = single(&event) {
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
        match (kind, &event.delta, event.content_block) {
            ("content_block_delta", Some(delta), _) => {
                self.blocks.delta(index, delta, frame.data, out)
            }
            ("content_block_start", _, Some(block)) => self.blocks.start(index, block, out),
            ("content_block_stop", ..) => self.blocks.stop(index, out),
            ("message_start", ..) => {
                let fields = event.message.map(parse_fields);
                self.blocks.begin_message(out)?;
                self.stop_reason = None;
                self.message(&fields.unwrap_or_default(), out)
            }
            ("message_delta", ..) => {
                let mut scratch = String::new();
                let fields: Fields<'_> = json::read(frame.data, &mut scratch).unwrap_or_default();
                self.message(&fields, out)?;
                let delta = fields.get("delta").copied().map(parse_fields);
                self.message(&delta.unwrap_or_default(), out)
            }
            ("message_stop", ..) => self.complete(out),
            // A server that answers a stream's request with a whole message.
            ("message", ..) => self.whole(frame.data, out),
            _ if kind == "error" || event.error.is_some() => Err(error::from_body(frame.data)),
            _ => Ok(()),
        }
    }

    /// What a message says beyond its content, wherever it says it.
    fn message(&mut self, fields: &Fields<'_>, out: &mut VecDeque<Event>) -> Result<()> {
        for (key, raw) in fields {
            let text = || serde_json::from_str::<Text<'_>>(raw.get()).unwrap_or_default();
            match &**key {
                "type" | "role" | "content" | "index" | "delta" => {}
                "id" => self.blocks.assembler.start(Some(&text()), None, None),
                "model" => self.blocks.assembler.start(None, Some(&text()), None),
                "stop_reason" => {
                    let word = text();
                    if !word.is_empty() {
                        self.stop_reason = Some(word.to_string());
                    }
                }
                "usage" => {
                    let mut known = match self.blocks.assembler.raw_usage() {
                        Some(Value::Object(known)) => known.clone(),
                        _ => Object::new(),
                    };
                    merge_usage(&mut known, parse(raw));
                    self.blocks.assembler.usage(usage(known), out);
                }
                _ => {
                    let value: Value = parse(raw);
                    if !value.is_null() {
                        let beyond = self.beyond.get_or_insert_default();
                        beyond.insert(key.to_string(), value);
                    }
                }
            }
        }
        Ok(())
    }

    fn complete(&mut self, out: &mut VecDeque<Event>) -> Result<()> {
        let reason = match &self.stop_reason {
            Some(word) => finish_reason(word),
            None => FinishReason::from(FinishKind::Stop),
        };
        let at_limit = reason.kind == FinishKind::Length;
        self.blocks.end_message(at_limit, out)?;
        for (key, value) in self.beyond.take().map(|it| *it).unwrap_or_default() {
            let item = Object::from_iter([(key, value)]);
            self.blocks.assembler.unknown(Value::Object(item), out);
        }
        self.blocks.assembler.finish(0, reason, out)?;
        self.blocks.assembler.complete(out)
    }
}

impl Decoder for MessagesDecoder {
    fn decode(&mut self, frame: Frame<'_>, out: &mut VecDeque<Event>) -> Result<()> {
        if frame.event == Some(CHUNK) {
            return self.chunk(frame, out);
        }
        if self.failed || self.blocks.assembler.is_completed() {
            return Ok(());
        }
        if let Some(name) = frame.exception {
            self.failed = true;
            let data = frame.data.trim_ascii();
            return Err(exceptions::from_frame(name, frame.message, data));
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let outcome = self.read(&frame, &mut scratch, out);
        self.scratch = scratch;
        self.failed = outcome.is_err();
        outcome
    }

    fn is_over(&self) -> bool {
        !self.failed && self.stop_reason.is_some()
    }

    fn finish(&mut self, out: &mut VecDeque<Event>) -> Result<()> {
        if self.failed || self.blocks.assembler.is_completed() {
            return Ok(());
        }
        match self.stop_reason {
            Some(_) => self.complete(out),
            None => Err(Error::truncated()),
        }
    }
}

/// The types of the deltas of text, thoughts and arguments.
const TEXT: &str = "text_delta";
const THINKING: &str = "thinking_delta";
const ARGUMENTS: &str = "input_json_delta";

/// What an event says that says a single text.
fn single<'a>(event: &StreamEvent<'a>) -> Option<Single<'a, (u64, &'static str)>> {
    let delta = event.delta.as_ref()?;
    let Delta {
        kind,
        text,
        thinking,
        partial_json,
        signature,
        citation,
    } = delta;
    if &*event.kind != "content_block_delta" || !signature.is_empty() || citation.is_some() {
        return None;
    }
    let all = [
        (TEXT, text),
        (THINKING, thinking),
        (ARGUMENTS, partial_json),
    ];
    let mut said = all.into_iter().filter(|it| !it.1.is_empty());
    let (field, text) = said.next()?;
    let is_single = said.next().is_none() && &**kind == field;
    let place = (event.index.unwrap_or_default(), field);
    is_single.then_some(Single::new(place, text.borrowed()?))
}

/// The fields of an object; none if it isn't one.
fn parse_fields(raw: &RawValue) -> Fields<'_> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}
