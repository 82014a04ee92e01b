//! Reads the events of a streamed answer.

use super::super::quirks::Quirks;
use super::super::response::items::Place;
use super::super::response::{created, finish_reason};
use super::super::wire::{Fields, Object, StreamEvent, WholeText, parse};
use super::super::{NAME, error};
use super::items::Items;
use super::open::Target as At;
use crate::dialect::{Decoder, Frame, Target};
use crate::json::{self, Text};
use crate::openai_chat;
use crate::template::{Single, Template};
use parlor_core::{ArgumentsForm, Error, Event, PartKind, Result};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::VecDeque;
use std::sync::Arc;

/// Fields of an answer that core has a place for, or that say again what the
/// request said.
pub(in super::super) const KNOWN: &[&str] = &[
    "id",
    "object",
    "created_at",
    "status",
    "error",
    "incomplete_details",
    "model",
    "output",
    "output_text",
    "usage",
];

/// Fields of an answer that say again what the request said.
pub(in super::super) const ECHOES: &[&str] = &[
    "background",
    "frequency_penalty",
    "include",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "presence_penalty",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "stream",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// Reads the events of a streamed answer.
///
/// The stream is complete at `response.completed` or `response.incomplete`, or
/// where a copy ends it by `[DONE]` alone.
#[derive(Debug)]
pub struct ResponsesDecoder {
    items: Items,
    quirks: Arc<Quirks>,
    failed: bool,
    template: Template<Spot>,
    /// Takes a text that has escapes.
    scratch: String,
}

/// What a response says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Head<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    model: Text<'a>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
}

/// Where a delta belongs, and what it is more of.
#[derive(Debug, Clone, Copy)]
struct Spot {
    kind: PartKind,
    form: ArgumentsForm,
    index: Option<u64>,
    place: Place,
}

impl Spot {
    fn at(self, id: &str) -> At<'_> {
        At {
            index: self.index,
            id,
            place: self.place,
            kind: self.kind,
        }
    }
}

impl ResponsesDecoder {
    pub(in super::super) fn new(quirks: Arc<Quirks>, target: &Target<'_>) -> Self {
        Self {
            items: Items::new(target.origin(NAME), target.profile.think_tags),
            quirks,
            failed: false,
            template: Template::default(),
            scratch: String::new(),
        }
    }

    /// Reads a whole answer: a response, or an error.
    pub(in super::super) fn whole(&mut self, body: &[u8], out: &mut VecDeque<Event>) -> Result<()> {
        let mut scratch = String::new();
        let fields: Fields<'_> = match json::read(body, &mut scratch) {
            Ok(fields) => fields,
            Err(error) => {
                let value: Option<Value> = serde_json::from_slice(body).ok();
                let reported = value.and_then(|it| error::in_band(&it, &self.quirks));
                return Err(reported.unwrap_or_else(|| {
                    Error::decode(format!("the answer is no JSON object: {error}")).with_body(body)
                }));
            }
        };
        // A gateway that puts the last event in the place of the answer.
        if let (None, Some(inner)) = (fields.get("output"), fields.get("response")) {
            return self.whole(inner.get().as_bytes(), out);
        }
        self.failure(&fields, body)?;
        if !fields.contains_key("output") && !fields.contains_key("status") {
            return Err(
                Error::decode("the answer is neither a response nor an error").with_body(body),
            );
        }
        self.start(body);
        self.complete(&fields, out)
    }

    /// The failure that an answer reports, if it does.
    fn failure(&self, fields: &Fields<'_>, body: &[u8]) -> Result<()> {
        let failed = fields
            .get("status")
            .is_some_and(|it| it.get() == "\"failed\"");
        let reported = fields.get("error").is_some_and(|it| it.get() != "null");
        if !failed && !reported && (fields.contains_key("output") || fields.contains_key("status"))
        {
            return Ok(());
        }
        let mut scratch = String::new();
        let value: Value = json::read(body, &mut scratch).unwrap_or_default();
        match error::in_band(&value, &self.quirks) {
            Some(error) => Err(error),
            None if failed => Err(Error::new(
                parlor_core::ErrorKind::Server,
                "the answer failed without saying why",
            )
            .with_body(body)),
            None => Ok(()),
        }
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
        if let Some(spot) = spot(kind, event) {
            self.delta(spot, &event.item_id, &event.delta, out)?;
            let measured = event.logprobs.filter(|it| says_something(it));
            return match measured {
                Some(raw) => self.items.logprobs(spot.at(&event.item_id), raw, out),
                None => Ok(()),
            };
        }
        let place = Place::Content(event.content_index.unwrap_or_default());
        let part = |place, kind| At {
            index: event.output_index,
            id: &event.item_id,
            place,
            kind,
        };
        let summary = Place::Summary(event.summary_index.unwrap_or_default());
        let whole = |target, items: &mut Items, out: &mut VecDeque<Event>| {
            let mut scratch = String::new();
            let text: WholeText<'_> = json::read(frame.data, &mut scratch).unwrap_or_default();
            items.whole_text(target, text.get(), out)
        };
        let items = &mut self.items;
        match kind {
            "response.output_text.done" => whole(part(place, PartKind::Text), items, out),
            "response.reasoning_text.done" => whole(part(place, PartKind::Reasoning), items, out),
            "response.reasoning_summary_text.done" => {
                whole(part(summary, PartKind::Reasoning), items, out)
            }
            "response.refusal.done" => whole(part(place, PartKind::Refusal), items, out),
            "response.function_call_arguments.done" | "response.custom_tool_call_input.done" => {
                let mut scratch = String::new();
                let text: WholeText<'_> = json::read(frame.data, &mut scratch).unwrap_or_default();
                let at = (event.output_index, &*event.item_id);
                let form = match kind.contains("custom") {
                    true => ArgumentsForm::Text,
                    false => ArgumentsForm::Json,
                };
                items.arguments(at, text.get(), true, form, out)
            }
            "response.output_text.annotation.added" => match event.annotation {
                Some(raw) => items.annotation(part(place, PartKind::Text), raw, out),
                None => Ok(()),
            },
            "response.output_item.added" => match event.item {
                Some(raw) => items.added(event.output_index, raw, out),
                None => Ok(()),
            },
            "response.output_item.done" => match event.item {
                Some(raw) => items.done(event.output_index, parse(raw), out),
                None => Ok(()),
            },
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled"
            | "response.done" => match event.response {
                Some(raw) => {
                    let fields = parse_fields(raw);
                    self.failure(&fields, raw.get().as_bytes())?;
                    self.start(raw.get().as_bytes());
                    self.complete(&fields, out)
                }
                None => self.finish_as(kind.rsplit('.').next().unwrap_or_default(), out),
            },
            "response.created" | "response.queued" | "response.in_progress" => {
                if let Some(raw) = event.response {
                    self.start(raw.get().as_bytes());
                }
                Ok(())
            }
            _ if kind == "error" || event.error.is_some_and(|it| it.get() != "null") => {
                let mut scratch = String::new();
                let value: Value = json::read(frame.data, &mut scratch).unwrap_or_default();
                Err(error::of_event(&value, &self.quirks).with_body(frame.data))
            }
            // A server that answers a stream's request with a whole answer.
            "" => self.whole(frame.data, out),
            _ => Ok(()),
        }
    }

    /// More of a part's text or of a call's arguments.
    fn delta(&mut self, spot: Spot, id: &str, text: &str, out: &mut VecDeque<Event>) -> Result<()> {
        match spot.kind {
            PartKind::ToolCall => {
                let at = (spot.index, id);
                self.items.arguments(at, text, false, spot.form, out)
            }
            _ => self.items.delta(spot.at(id), text, out),
        }
    }

    fn read(
        &mut self,
        frame: &Frame<'_>,
        scratch: &mut String,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        if let Some(single) = self.template.fill(frame, scratch) {
            return self.delta(single.place, "", single.text, out);
        }
        let data = frame.data.trim_ascii();
        let event = match json::read::<StreamEvent<'_>>(data, scratch) {
            Ok(event) => event,
            Err(error) => {
                let value: Option<Value> = serde_json::from_slice(data).ok();
                let reported = value.and_then(|it| error::in_band(&it, &self.quirks));
                return Err(reported.unwrap_or_else(|| {
                    Error::decode(format!("an event is not JSON: {error}")).with_body(data)
                }));
            }
        };
        self.event(&event, &Frame { data, ..*frame }, out)?;
        if let Some(single) = single(&event, frame) {
            self.template.learn(frame, &single);
        }
        Ok(())
    }

    /// Notes what a response says of itself, without reading it all.
    fn start(&mut self, response: &[u8]) {
        let mut scratch = String::new();
        let head: Head<'_> = json::read(response, &mut scratch).unwrap_or_default();
        let created = head.created_at.and_then(|it| created(it.get()));
        self.items
            .assembler
            .start(Some(&head.id), Some(&head.model), created);
    }

    fn complete(&mut self, fields: &Fields<'_>, out: &mut VecDeque<Event>) -> Result<()> {
        let output: &RawValue = match fields.get("output") {
            Some(raw) => raw,
            None => return self.close(fields, out),
        };
        let output: Vec<&RawValue> = serde_json::from_str(output.get()).unwrap_or_default();
        for (index, item) in (0..).zip(output) {
            if !self.items.is_known(index, item) {
                self.items.done(Some(index), parse(item), out)?;
            }
        }
        self.close(fields, out)
    }

    fn close(&mut self, fields: &Fields<'_>, out: &mut VecDeque<Event>) -> Result<()> {
        self.items.end(out)?;
        if let Some(raw) = fields.get("usage")
            && let usage @ Value::Object(_) = parse(raw)
        {
            self.items.assembler.usage(openai_chat::usage(usage), out);
        }
        for (key, raw) in fields {
            if KNOWN.contains(&&**key) || ECHOES.contains(&&**key) {
                continue;
            }
            if matches!(raw.get(), "null" | "[]" | "{}") {
                continue;
            }
            let item = Object::from_iter([(key.to_string(), parse::<Value>(raw))]);
            self.items.assembler.unknown(Value::Object(item), out);
        }
        let text = |key: &str| match fields.get(key).map(|raw| parse::<Value>(raw)) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            Some(Value::Object(details)) => Some(details.get("reason")?.as_str()?.to_owned()),
            _ => None,
        };
        let word = text("incomplete_details").or_else(|| text("status"));
        self.finish_as(word.as_deref().unwrap_or("completed"), out)
    }

    fn finish_as(&mut self, word: &str, out: &mut VecDeque<Event>) -> Result<()> {
        self.items.end(out)?;
        let refused = self.items.refused && !self.items.called;
        let reason = finish_reason(word, refused);
        self.items.assembler.finish(0, reason, out)?;
        self.items.assembler.complete(out)
    }
}

impl Decoder for ResponsesDecoder {
    fn decode(&mut self, frame: Frame<'_>, out: &mut VecDeque<Event>) -> Result<()> {
        let data = frame.data.trim_ascii();
        // Some gateways keep the connection alive with data that is no event.
        let idle = data.is_empty() || data.starts_with(b":");
        if self.failed || self.items.assembler.is_completed() || idle {
            return Ok(());
        }
        if data == b"[DONE]" {
            return match self.items.any() {
                true => self.finish_as("completed", out),
                false => Ok(()),
            };
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let outcome = self.read(&frame, &mut scratch, out);
        self.scratch = scratch;
        self.failed = outcome.is_err();
        outcome.map_err(|error| error.with_provider(&*self.items.assembler.origin().provider))
    }

    fn is_over(&self) -> bool {
        self.items.assembler.is_completed()
    }

    fn finish(&mut self, _: &mut VecDeque<Event>) -> Result<()> {
        if self.failed || self.items.assembler.is_completed() {
            return Ok(());
        }
        Err(Error::truncated().with_provider(&*self.items.assembler.origin().provider))
    }
}

/// The fields of an object; none if it isn't one.
fn parse_fields(raw: &RawValue) -> Fields<'_> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// Where the delta of an event belongs; `None` for an event that is none.
fn spot(kind: &str, event: &StreamEvent<'_>) -> Option<Spot> {
    let content = Place::Content(event.content_index.unwrap_or_default());
    let summary = Place::Summary(event.summary_index.unwrap_or_default());
    let (kind, form, place) = match kind {
        "response.output_text.delta" => (PartKind::Text, ArgumentsForm::Json, content),
        "response.refusal.delta" => (PartKind::Refusal, ArgumentsForm::Json, content),
        "response.reasoning_text.delta" => (PartKind::Reasoning, ArgumentsForm::Json, content),
        "response.reasoning_summary_text.delta" => {
            (PartKind::Reasoning, ArgumentsForm::Json, summary)
        }
        "response.function_call_arguments.delta" => {
            (PartKind::ToolCall, ArgumentsForm::Json, content)
        }
        "response.custom_tool_call_input.delta" => {
            (PartKind::ToolCall, ArgumentsForm::Text, content)
        }
        _ => return None,
    };
    Some(Spot {
        kind,
        form,
        index: event.output_index,
        place,
    })
}

/// What an event says that says a single text: its number and its padding tell
/// nothing.
fn single<'a>(event: &StreamEvent<'a>, frame: &Frame<'_>) -> Option<Single<'a, Spot>> {
    let StreamEvent {
        kind,
        item_id: _,
        output_index,
        content_index: _,
        summary_index: _,
        delta,
        sequence_number,
        obfuscation,
        logprobs,
        item: _,
        part: _,
        annotation: _,
        response: _,
        error: _,
    } = event;
    let kind = match &**kind {
        "" => frame.event.unwrap_or_default(),
        kind => kind,
    };
    let measured = logprobs.is_some_and(says_something);
    if output_index.is_none() || measured {
        return None;
    }
    let mut single = Single::new(spot(kind, event)?, delta.borrowed()?);
    let number = sequence_number.map(RawValue::get).unwrap_or_default();
    single.idle = [number, obfuscation.borrowed().unwrap_or_default()];
    Some(single)
}

/// Whether a list says anything.
fn says_something(raw: &RawValue) -> bool {
    !matches!(raw.get(), "[]" | "null")
}
