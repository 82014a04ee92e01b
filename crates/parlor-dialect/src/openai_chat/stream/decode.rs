//! From chunks to events.

use super::super::quirks::Quirks;
use super::super::response::{self, SIDE_CHANNEL};
use super::super::wire::{Choice, Chunk, Raw};
use super::super::{NAME, error};
use super::parse::{parse, trimmed};
use super::state::{ChoiceState, Kept, unknown};
use crate::assemble::Assembler;
use crate::dialect::{Decoder, Frame, Target};
use crate::json;
use crate::template::Template;
use crate::think::{ThinkPiece, ThinkSplitter};
use parlor_core::{
    Error, ErrorKind, Event, FinishKind, Part, PartKind, Result, Warning, WarningKind,
};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::sync::Arc;

/// The most choices that one answer may have.
const MAX_CHOICES: usize = 256;

/// Fields in which an error without `error` around it shows itself.
pub(super) const ERROR_FIELDS: &[&str] = &[
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
/// when these were said; without any of it the body was cut. Of hosts without
/// an end mark the last finish reason with usage beside it is the end.
#[derive(Debug)]
pub struct ChatDecoder {
    pub(super) assembler: Assembler,
    pub(super) quirks: Arc<Quirks>,
    /// What a choice's text is split by, before any has come.
    think: Option<ThinkSplitter>,
    pub(super) choices: Vec<ChoiceState>,
    extras: Kept,
    pub(super) sources: Kept,
    failed: bool,
    /// The place is that of a choice's state, and what the text is.
    pub(super) template: Template<(usize, PartKind)>,
    /// Takes a text that has escapes.
    scratch: String,
}

impl ChatDecoder {
    pub(in super::super) fn new(quirks: Arc<Quirks>, target: &Target<'_>) -> Self {
        Self {
            assembler: Assembler::new(target.origin(NAME)),
            quirks,
            think: ThinkSplitter::of(target.profile),
            choices: Vec::new(),
            extras: Kept::default(),
            sources: Kept::default(),
            failed: false,
            template: Template::default(),
            scratch: String::new(),
        }
    }

    /// Tells a whole answer, which was read from this data.
    pub(in super::super) fn whole(
        &mut self,
        chunk: &Chunk<'_>,
        data: &[u8],
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        self.take(chunk, data, true, out)?;
        if !chunk.choices.present {
            return Err(Error::decode("the answer has no choices").with_body(data));
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
            let (at, kind) = single.place;
            return match kind {
                PartKind::Reasoning => self.thought(at, single.text, out),
                _ => self.text(at, single.text, out),
            };
        }
        let data = trimmed(frame.data);
        let mut chunk = Chunk::default();
        if let Err(error) = parse(data, &self.quirks, scratch, &mut chunk) {
            let is_damage = error.kind() == ErrorKind::Decode && frame.event != Some("error");
            // The answer stands; what is damaged is no part of it.
            return match is_damage && self.is_over() {
                true => Ok(()),
                false => Err(error),
            };
        }
        self.take(&chunk, data, false, out)?;
        if frame.event == Some("error") {
            let text = String::from_utf8_lossy(data).into_owned();
            return Err(Error::new(ErrorKind::Server, text));
        }
        if let Some(single) = self.single(&chunk) {
            self.template.learn(frame, &single);
        }
        Ok(())
    }

    fn take(
        &mut self,
        chunk: &Chunk<'_>,
        data: &[u8],
        whole: bool,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let was_over = self.is_over();
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
        for (position, choice) in (0..).zip(chunk.choices.iter()) {
            self.choice(position, choice, whole, out)?;
        }
        self.extras.take(&chunk.extras);
        if let Some(error) = self.side_channel(chunk, out) {
            return Err(error);
        }
        if let Some(error) = self.reported(chunk, data) {
            if !was_over {
                return Err(error);
            }
            // Every choice had ended before: the answer stands.
            let notice = Warning::new(WarningKind::Notice, "error", error.message().to_owned());
            self.assembler.warning(notice, out);
            for field in ERROR_FIELDS {
                self.extras.remove(field);
            }
        }
        let may_end = chunk.choices.is_empty() || !self.quirks.end_mark;
        if !whole && may_end && chunk.usage.said().is_some() && self.is_over() {
            return self.complete(out);
        }
        Ok(())
    }

    /// The error that a chunk reports, if it does.
    fn reported(&self, chunk: &Chunk<'_>, data: &[u8]) -> Option<Error> {
        let bare = || {
            let mut names = chunk.extras.iter();
            let silent = chunk.choices.is_empty();
            names.any(|(name, _)| match &**name {
                "base_resp" => true,
                name => silent && ERROR_FIELDS.contains(&name),
            })
        };
        if chunk.error.said().is_none() && !bare() {
            return None;
        }
        let mut scratch = String::new();
        let value: Value = json::read(data, &mut scratch).ok()?;
        error::in_band(&value, &self.quirks.error_codes)
    }

    /// Usage and errors that stand in an object of the host's own.
    fn side_channel(&mut self, chunk: &Chunk<'_>, out: &mut VecDeque<Event>) -> Option<Error> {
        let (_, raw) = chunk
            .extras
            .iter()
            .find(|(name, _)| &**name == SIDE_CHANNEL)?;
        let side: Map<String, Value> = raw.read()?;
        if let (None, Some(usage)) = (chunk.usage.said(), side.get("usage")) {
            self.assembler.usage(response::usage(usage.clone()), out);
        }
        error::in_band(
            &json!({"error": side.get("error")?}),
            &self.quirks.error_codes,
        )
    }

    fn usage(&mut self, raw: Raw<'_>, out: &mut VecDeque<Event>) {
        if let Some(value @ Value::Object(_)) = raw.read() {
            self.assembler.usage(response::usage(value), out);
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
        self.choices.reserve_exact(1);
        self.choices.push(ChoiceState {
            index,
            think: self.think.clone(),
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
        match (choice.delta.present, message) {
            (_, Some(message)) if whole => self.delta(at, message, true, out)?,
            (true, _) => self.delta(at, &choice.delta, whole, out)?,
            // Beside deltas a message repeats what they said.
            (false, Some(message)) if !self.choices[at].spoke => {
                self.delta(at, message, true, out)?;
            }
            (false, _) => {}
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
            && let Some(error) =
                error::in_band(&json!({ "error": value }), &self.quirks.error_codes)
        {
            return Err(error);
        }
        Ok(())
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
        let bundle = self.choices[at].bundle.take();
        for call in bundle.map(|it| it.finish()).unwrap_or_default() {
            self.part(at, call.into(), out)?;
        }
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

    fn complete(&mut self, out: &mut VecDeque<Event>) -> Result<()> {
        for at in 0..self.choices.len() {
            self.flush(at, out)?;
            if at == 0 {
                for name in response::SEARCHES {
                    self.sources.copy(name, &self.extras);
                }
                for source in response::sources(&self.sources, &self.assembler) {
                    self.part(at, source, out)?;
                }
            }
            if let Some(mut reason) = self.choices[at].reason.take() {
                let index = self.choices[at].index;
                if self.choices[at].refused && reason.kind == FinishKind::Stop {
                    reason.kind = FinishKind::Refusal;
                }
                self.assembler.finish(index, reason, out)?;
            }
        }
        let beside = self.choices.iter_mut().map(|it| {
            let [own, message] = [&mut it.extras, &mut it.message_extras];
            let map = |kept| std::mem::take::<Kept>(kept).into_map();
            (it.index, map(own), map(message))
        });
        let extras = std::mem::take(&mut self.extras).into_map();
        if let Some(item) = unknown(extras, beside) {
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
        let mut scratch = std::mem::take(&mut self.scratch);
        let outcome = self.read(&frame, &mut scratch, events);
        self.scratch = scratch;
        outcome.map_err(|error| self.give_up(error, events))
    }

    /// Every choice said why it ended.
    fn is_over(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|it| it.reason.is_some())
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
