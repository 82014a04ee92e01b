//! From chunks to events.

use super::super::quirks::Quirks;
use super::super::response::{self, SIDE_CHANNEL};
use super::super::wire::{Call, Choice, Chunk, Delta, Raw};
use super::super::{NAME, error};
use super::reasoning::texts;
use super::state::{Audio, ChoiceState, Kept, unknown};
use crate::assemble::{Assembler, ToolFragment};
use crate::dialect::{Decoder, Frame, Target};
use crate::json;
use crate::think::{ThinkPiece, ThinkSplitter};
use parlor_core::{
    ArgumentsForm, Citation, Error, ErrorKind, Event, Executor, Part, PartKind, Result, Warning,
    WarningKind,
};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::sync::Arc;

/// The most choices that one answer may have.
const MAX_CHOICES: usize = 256;

/// The index of a call in the deprecated `function_call`, of which a message
/// has at most one.
const LEGACY_CALL: u64 = u64::MAX;

/// Fields in which an error without `error` around it shows itself.
const ERROR_FIELDS: &[&str] = &[
    "code",
    "message",
    "msg",
    "detail",
    "success",
    "base_resp",
    "error_code",
];

/// Reads the chunks of a streamed answer.
///
/// The answer is complete at `[DONE]`, at a chunk with usage and no choices
/// that follows the finish reasons of all choices, or at the end of the body
/// when these were said; without any of it the body was cut.
#[derive(Debug)]
pub struct ChatDecoder {
    assembler: Assembler,
    quirks: Arc<Quirks>,
    think_tags: bool,
    choices: Vec<ChoiceState>,
    extras: Kept,
    sources: Kept,
    failed: bool,
}

impl ChatDecoder {
    pub(in super::super) fn new(quirks: Arc<Quirks>, target: &Target<'_>) -> Self {
        Self {
            assembler: Assembler::new(target.origin(NAME)),
            quirks,
            think_tags: target.profile.think_tags,
            choices: Vec::new(),
            extras: Kept::default(),
            sources: Kept::default(),
            failed: false,
        }
    }

    /// Reads a whole answer.
    pub(in super::super) fn whole(&mut self, body: &[u8], out: &mut VecDeque<Event>) -> Result<()> {
        let data = trimmed(body);
        let mut scratch = String::new();
        let chunk = self.parse(data, &mut scratch)?;
        self.take(&chunk, data, true, out)?;
        if !chunk.choices.present {
            return Err(Error::decode("the answer has no choices").with_body(data));
        }
        self.complete(out)
    }

    fn parse<'a>(&self, data: &'a [u8], scratch: &'a mut String) -> Result<Chunk<'a>> {
        if data.first() != Some(&b'{') {
            let value = serde_json::from_slice::<Value>(data).ok();
            let reported = value.and_then(|value| error::in_band(&value, &self.quirks));
            return Err(reported.unwrap_or_else(|| {
                Error::decode("what came is no object of JSON").with_body(data)
            }));
        }
        json::read(data, scratch).map_err(|error| {
            Error::decode(format!("what came is no JSON: {error}")).with_body(data)
        })
    }

    fn take(
        &mut self,
        chunk: &Chunk<'_>,
        data: &[u8],
        whole: bool,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        self.assembler
            .start(Some(&chunk.id), Some(&chunk.model), chunk.created.0);
        self.usage(chunk.usage, out);
        for (name, raw) in [
            ("citations", chunk.citations),
            ("search_results", chunk.search_results),
        ] {
            if let Some(json) = raw.said() {
                self.sources.set(name, json);
            }
        }
        let was_over = self.is_over();
        for (position, choice) in (0..).zip(chunk.choices.iter()) {
            self.choice(position, choice, whole, out)?;
        }
        self.extras.take(&chunk.extras);
        if let Some(error) = self.side_channel(chunk, out) {
            return Err(error);
        }
        if let Some(error) = self.reported(chunk, data) {
            if !was_over || whole {
                return Err(error);
            }
            // Every choice had ended before: the answer stands.
            let notice = Warning::new(WarningKind::Notice, "error", error.message().to_owned());
            self.assembler.warning(notice, out);
            for field in ERROR_FIELDS {
                self.extras.remove(field);
            }
        }
        if !whole && chunk.choices.is_empty() && chunk.usage.said().is_some() && self.is_over() {
            return self.complete(out);
        }
        Ok(())
    }

    /// The error that a chunk reports, if it does.
    fn reported(&self, chunk: &Chunk<'_>, data: &[u8]) -> Option<Error> {
        let bare = || {
            let mut names = chunk.extras.iter();
            chunk.choices.is_empty() && names.any(|(name, _)| ERROR_FIELDS.contains(&&**name))
        };
        if chunk.error.said().is_none() && !bare() {
            return None;
        }
        let mut scratch = String::new();
        let value: Value = json::read(data, &mut scratch).ok()?;
        error::in_band(&value, &self.quirks)
    }

    /// Usage and errors that stand in an object of the host's own.
    fn side_channel(&mut self, chunk: &Chunk<'_>, out: &mut VecDeque<Event>) -> Option<Error> {
        let (_, raw) = chunk
            .extras
            .iter()
            .find(|(name, _)| &**name == SIDE_CHANNEL)?;
        let side: Map<String, Value> = raw.read()?;
        if let (None, Some(usage)) = (chunk.usage.said(), side.get("usage")) {
            self.assembler.usage(&response::usage(usage.clone()), out);
        }
        error::in_band(&json!({"error": side.get("error")?}), &self.quirks)
    }

    fn usage(&mut self, raw: Raw<'_>, out: &mut VecDeque<Event>) {
        if let Some(value @ Value::Object(_)) = raw.read() {
            self.assembler.usage(&response::usage(value), out);
        }
    }

    /// The place of a choice's state.
    fn state(&mut self, index: u32) -> Result<usize> {
        if let Some(at) = self.choices.iter().position(|it| it.index == index) {
            return Ok(at);
        }
        if self.choices.len() == MAX_CHOICES {
            return Err(Error::decode(format!(
                "the answer has more than {MAX_CHOICES} choices"
            )));
        }
        self.choices.push(ChoiceState {
            index,
            think: self.think_tags.then(ThinkSplitter::new),
            ..ChoiceState::default()
        });
        Ok(self.choices.len() - 1)
    }

    fn choice(
        &mut self,
        position: u64,
        choice: &Choice<'_>,
        whole: bool,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let index = choice.index.0.unwrap_or(if whole { position } else { 0 });
        let index = u32::try_from(index)
            .map_err(|_| Error::decode(format!("no answer has a choice {index}")))?;
        let at = self.state(index)?;
        let message = choice.message.as_deref();
        match (&choice.delta, message) {
            (_, Some(message)) if whole => self.delta(at, message, true, out)?,
            (Some(delta), _) => self.delta(at, delta, whole, out)?,
            // Beside deltas a message repeats what they said.
            (None, Some(message)) if !self.choices[at].spoke => {
                self.delta(at, message, true, out)?;
            }
            (None, _) => {}
        }
        self.usage(choice.usage, out);
        for (refusal, tokens) in response::logprobs(choice.logprobs) {
            self.assembler.logprobs(index, refusal, tokens, out)?;
        }
        self.choices[at].extras.take(&choice.extras);
        let word = &*choice.finish_reason;
        if !word.is_empty() && word != "null" {
            let own: Option<String> = self.choices[at].extras.read("native_finish_reason");
            self.choices[at].reason = Some(response::finish_reason(word, own.as_deref()));
        }
        if let Some(value) = choice.error.read::<Value>()
            && let Some(error) = error::in_band(&json!({ "error": value }), &self.quirks)
        {
            return Err(error);
        }
        Ok(())
    }

    fn delta(
        &mut self,
        at: usize,
        delta: &Delta<'_>,
        whole: bool,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let index = self.choices[at].index;
        // Some hosts say the same thoughts in several fields.
        let thoughts = [
            &delta.reasoning_content,
            &delta.reasoning,
            &delta.reasoning_text,
        ];
        match thoughts.into_iter().find(|text| !text.is_empty()) {
            Some(text) => {
                self.choices[at].plain_thoughts = true;
                self.thought(at, text, out)?;
            }
            None if !self.choices[at].plain_thoughts => {
                self.thought(at, &texts(delta.reasoning_details), out)?;
            }
            None => {}
        }
        self.choices[at].details.take_from(delta);
        self.text(at, &delta.content.text, out)?;
        for part in &delta.content.parts {
            if let Ok(part) = serde_json::from_str::<Value>(part.get()) {
                self.content_part(at, part, out)?;
            }
        }
        for citation in delta.annotations.read::<Vec<Value>>().unwrap_or_default() {
            self.cite(at, citation, out)?;
        }
        if !delta.refusal.is_empty() {
            self.settle(at, out)?;
            self.assembler.refusal(index, &delta.refusal, out)?;
        }
        for image in delta.images.read::<Vec<Value>>().unwrap_or_default() {
            if let Some(media) = response::image(&image) {
                self.part(at, media.into(), out)?;
            }
        }
        if let Some(piece) = delta.audio.read::<Map<String, Value>>() {
            let says = |value: &Value| value.as_str().is_none_or(|text| !text.is_empty());
            if piece
                .iter()
                .any(|(key, value)| key != "expires_at" && says(value))
            {
                let audio = &mut self.choices[at].audio;
                audio.get_or_insert_with(Audio::default).take(piece);
            }
        }
        for (position, call) in (0..).zip(delta.tool_calls.iter()) {
            let place = if whole { Some(position) } else { call.index.0 };
            self.call(at, place, call, out)?;
        }
        if let Some(function) = delta.function_call.as_ref().filter(|it| !it.is_empty()) {
            let fragment = ToolFragment {
                index: Some(LEGACY_CALL),
                name: &function.name,
                arguments: &function.text(),
                ..ToolFragment::default()
            };
            self.settle(at, out)?;
            let slot = self.assembler.call(index, fragment, out)?;
            let item = json!({"type": "function_call"});
            self.assembler.call_native(index, slot, item);
        }
        self.message_extras(at, delta, out)?;
        self.choices[at].spoke |= self.assembler.has_content();
        Ok(())
    }

    fn message_extras(
        &mut self,
        at: usize,
        delta: &Delta<'_>,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        if delta.extras.is_empty() {
            return Ok(());
        }
        for (name, raw) in delta.extras.iter() {
            match (&**name, raw.said()) {
                ("executed_tools", Some(_)) => {
                    for item in raw.read::<Vec<Value>>().unwrap_or_default() {
                        for part in self.choices[at].executed.take(item, &self.assembler) {
                            self.part(at, part, out)?;
                        }
                    }
                }
                (name, Some(json)) => self.choices[at].message_extras.set(name, json),
                (_, None) => {}
            }
        }
        Ok(())
    }

    fn call(
        &mut self,
        at: usize,
        place: Option<u64>,
        call: &Call<'_>,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let custom = match &*call.kind {
            "custom" => true,
            "function" => false,
            _ => call.function.is_empty() && !call.custom.is_empty(),
        };
        let tool = if custom { &call.custom } else { &call.function };
        let id = Some(&*call.id)
            .filter(|id| *id != "null")
            .unwrap_or_default();
        if id.is_empty() && tool.is_empty() && call.extras.is_empty() {
            return Ok(());
        }
        let index = self.choices[at].index;
        let fragment = ToolFragment {
            index: place,
            id,
            name: &tool.name,
            arguments: &tool.text(),
            form: match custom {
                true => ArgumentsForm::Text,
                false => ArgumentsForm::Json,
            },
            executor: Executor::Client,
        };
        self.settle(at, out)?;
        let slot = self.assembler.call(index, fragment, out)?;
        let plain = matches!(&*call.kind, "" | "function" | "custom");
        if !plain || !call.extras.is_empty() || !tool.extras.is_empty() {
            let mut item = Kept::default();
            item.take(&call.extras);
            let mut item = item.into_map();
            let mut inner = Kept::default();
            inner.take(&tool.extras);
            let inner = inner.into_map();
            if !inner.is_empty() {
                item.insert("function".to_owned(), inner.into());
            }
            if !plain {
                item.insert("type".to_owned(), (&*call.kind).into());
            }
            if !item.is_empty() {
                self.assembler.call_native(index, slot, item.into());
            }
        }
        Ok(())
    }

    /// A part of a message whose content is a list.
    fn content_part(&mut self, at: usize, part: Value, out: &mut VecDeque<Event>) -> Result<()> {
        let index = self.choices[at].index;
        let text = part.get("text").and_then(Value::as_str);
        match (part.get("type").and_then(Value::as_str), text) {
            (Some("text" | "output_text") | None, Some(text)) => self.text(at, text, out),
            (Some("refusal"), _) => {
                let text = part.get("refusal").and_then(Value::as_str);
                self.settle(at, out)?;
                self.assembler.refusal(index, text.unwrap_or_default(), out)
            }
            (Some("thinking"), _) => {
                self.thought(at, &response::thinking(&part), out)?;
                self.choices[at].details.thinking(part);
                Ok(())
            }
            (Some("reference"), _) => self.cite(at, part, out),
            (Some("image_url"), _) => match response::image(&part) {
                Some(media) => self.part(at, media.into(), out),
                None => Ok(()),
            },
            _ => {
                let native = self.assembler.native(part);
                self.part(at, Part::Native(native), out)
            }
        }
    }

    fn cite(&mut self, at: usize, annotation: Value, out: &mut VecDeque<Event>) -> Result<()> {
        let mut citation = Citation::default();
        if let Some(rest) = response::cite(&mut citation, annotation) {
            citation.native = Some(Box::new(self.assembler.native(rest)));
        }
        self.settle(at, out)?;
        self.assembler
            .citation(self.choices[at].index, citation, out)
    }

    fn thought(&mut self, at: usize, text: &str, out: &mut VecDeque<Event>) -> Result<()> {
        self.assembler.reasoning(self.choices[at].index, text, out)
    }

    fn text(&mut self, at: usize, text: &str, out: &mut VecDeque<Event>) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.settle(at, out)?;
        let (state, assembler) = (&mut self.choices[at], &mut self.assembler);
        let index = state.index;
        match &mut state.think {
            Some(splitter) => splitter.push(text, |piece| match piece {
                ThinkPiece::Thought(text) => assembler.reasoning(index, text, out),
                ThinkPiece::Answer(text) => assembler.text(index, text, out),
            }),
            None => assembler.text(index, text, out),
        }
    }

    fn part(&mut self, at: usize, part: Part, out: &mut VecDeque<Event>) -> Result<()> {
        self.settle(at, out)?;
        self.assembler.part(self.choices[at].index, part, out)
    }

    /// Puts what was gathered beside the reasoning on its part, before other
    /// content comes; without such a part on an empty one.
    fn settle(&mut self, at: usize, out: &mut VecDeque<Event>) -> Result<()> {
        let Some(item) = self.choices[at].details.finish() else {
            return Ok(());
        };
        let index = self.choices[at].index;
        match self.assembler.current(index) {
            Some((_, PartKind::Reasoning)) => self.assembler.seal(index, Some(item), out),
            _ => {
                let part = self.assembler.open(index, PartKind::Reasoning, out)?;
                self.assembler.close(index, part, Some(item), out);
                Ok(())
            }
        }
    }

    /// Gives out what was held back of a choice.
    fn flush(&mut self, at: usize, out: &mut VecDeque<Event>) -> Result<()> {
        let (state, assembler) = (&mut self.choices[at], &mut self.assembler);
        let index = state.index;
        if let Some(splitter) = &mut state.think {
            splitter.finish(|piece| match piece {
                ThinkPiece::Thought(text) => assembler.reasoning(index, text, out),
                ThinkPiece::Answer(text) => assembler.text(index, text, out),
            })?;
        }
        self.settle(at, out)?;
        for part in std::mem::take(&mut self.choices[at].executed).finish(&self.assembler) {
            self.part(at, part, out)?;
        }
        if let Some(audio) = self.choices[at].audio.take() {
            let (media, item) = audio.finish();
            let mut part = Part::from(media);
            if let Some(item) = item {
                part.set_native(self.assembler.native(item));
            }
            self.part(at, part, out)?;
        }
        Ok(())
    }

    /// Whether every choice said why it ended.
    fn is_over(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|it| it.reason.is_some())
    }

    fn complete(&mut self, out: &mut VecDeque<Event>) -> Result<()> {
        for at in 0..self.choices.len() {
            self.flush(at, out)?;
            if at == 0 {
                for source in response::sources(&self.sources, &self.assembler) {
                    self.part(at, source, out)?;
                }
            }
            if let Some(reason) = self.choices[at].reason.take() {
                let index = self.choices[at].index;
                self.assembler.finish(index, reason, out)?;
            }
        }
        if let Some(item) = unknown(std::mem::take(&mut self.extras), &mut self.choices) {
            self.assembler.unknown(item, out);
        }
        self.assembler.complete(out)
    }

    /// Gives out what was held back, before an error.
    fn give_up(&mut self, error: Error, out: &mut VecDeque<Event>) -> Error {
        self.failed = true;
        for at in 0..self.choices.len() {
            if let Err(error) = self.flush(at, out) {
                return error;
            }
        }
        error
    }
}

impl Decoder for ChatDecoder {
    fn decode(&mut self, frame: Frame<'_>, events: &mut VecDeque<Event>) -> Result<()> {
        let data = trimmed(frame.data);
        // Some servers send their comments as data.
        let blank = matches!(data.first(), None | Some(b':'));
        if blank || self.failed || self.assembler.is_completed() {
            return Ok(());
        }
        if data.starts_with(b"[DONE]") {
            return self.complete(events);
        }
        let mut scratch = String::new();
        let outcome = match self.parse(data, &mut scratch) {
            Ok(chunk) => self.take(&chunk, data, false, events),
            Err(error) => Err(error),
        };
        let outcome = outcome.and_then(|()| match frame.event {
            Some("error") => {
                let text = String::from_utf8_lossy(data).into_owned();
                Err(Error::new(ErrorKind::Server, text))
            }
            _ => Ok(()),
        });
        outcome.map_err(|error| self.give_up(error, events))
    }

    fn finish(&mut self, events: &mut VecDeque<Event>) -> Result<()> {
        if self.failed || self.assembler.is_completed() {
            return Ok(());
        }
        match self.is_over() {
            true => self.complete(events),
            false => Err(self.give_up(Error::truncated(), events)),
        }
    }
}

/// Without a byte order mark and white space around it.
fn trimmed(data: &[u8]) -> &[u8] {
    data.strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(data)
        .trim_ascii()
}
