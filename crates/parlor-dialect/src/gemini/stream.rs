//! Streamed answers: read chunk by chunk, and written.

mod chunk;
mod encoder;
mod grounding;
mod partial_args;
mod parts;
mod single;
mod usage;

pub use encoder::GeminiEncoder;

use super::error;
use super::response::{blocked, finish_reason, logprobs};
use super::wire::{self, Candidate, Chunk, PromptFeedback};
use super::{NAME, Quirks};
use crate::fields::Json;
use crate::template::Template;
use crate::{Assembler, Decoder, Frame, Target, time};
use parlor_core::{Citation, Error, Event, PartKind, Result};
use partial_args::PartialArgs;
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
pub(super) use usage::Consumed;

/// The most choices that one answer may have.
const MAX_CHOICES: usize = 256;

/// The most of the answer's own fields of one name that are told as unknown.
pub(super) const MAX_NOTES: usize = 32;

/// Reads a streamed answer of `generateContent`.
///
/// A stream has no end of its own: a finish reason was seen, or the prompt was
/// blocked, or the answer is truncated. A frame may have a chunk, several, or
/// a piece of the one JSON array that the host sends where events weren't
/// asked for; a failure may come as an object or as an array of one.
#[derive(Debug)]
pub struct GeminiDecoder {
    assembler: Assembler,
    quirks: Quirks,
    consumed: Consumed,
    choices: Vec<ChoiceState>,
    /// Names of the answer's own fields that were told as unknown.
    told: Vec<String>,
    /// Another answer follows; nothing of it belongs to this one.
    over: bool,
    /// The place is a choice, and whether the text is a thought.
    template: Template<(u32, bool)>,
    /// Takes a text that has escapes.
    scratch: String,
}

#[derive(Debug, Default)]
struct ChoiceState {
    index: u32,
    /// A part with a native item stays open until something follows it, so
    /// that citations that come after it find it.
    sealed: Option<Sealed>,
    /// A call whose arguments come in pieces.
    call: Option<OpenCall>,
    /// What the last code that the provider ran is called.
    code: String,
    grounding: Option<String>,
    /// What core doesn't model, told when the choice ends.
    notes: Map<String, Value>,
    /// Citations told already, by span and address.
    cited: Vec<(Option<u64>, Option<u64>, Option<String>)>,
}

#[derive(Debug)]
struct Sealed {
    part: u32,
    kind: PartKind,
    item: Value,
}

#[derive(Debug)]
struct OpenCall {
    arguments: PartialArgs,
    native: Map<String, Value>,
}

impl GeminiDecoder {
    pub(super) fn new(target: &Target<'_>, quirks: &Quirks) -> Self {
        Self {
            assembler: Assembler::new(target.origin(NAME)),
            quirks: quirks.clone(),
            consumed: Consumed::default(),
            choices: Vec::new(),
            told: Vec::new(),
            over: false,
            template: Template::default(),
            scratch: String::new(),
        }
    }

    /// Reads consecutive chunks: the elements of an array, which may be cut
    /// anywhere between them.
    fn chunks(&mut self, data: &[u8], out: &mut VecDeque<Event>) -> Result<()> {
        let mut rest = data;
        loop {
            rest = rest.trim_ascii_start();
            while let Some(tail) = rest
                .strip_prefix(b"[")
                .or_else(|| rest.strip_prefix(b","))
                .or_else(|| rest.strip_prefix(b"]"))
            {
                rest = tail.trim_ascii_start();
            }
            if rest.is_empty() {
                return Ok(());
            }
            let mut stream = serde_json::Deserializer::from_slice(rest).into_iter::<Chunk<'_>>();
            let chunk = match stream.next() {
                Some(Ok(chunk)) => chunk,
                _ => return Err(not_a_chunk(data)),
            };
            let used = stream.byte_offset();
            self.chunk(chunk, out)?;
            rest = rest.get(used..).unwrap_or_default();
        }
    }

    pub(super) fn chunk(&mut self, chunk: Chunk<'_>, out: &mut VecDeque<Event>) -> Result<()> {
        if let Some(raw) = chunk.error {
            self.give_up(out);
            return Err(error::in_body(raw));
        }
        self.over = self.over || self.is_another(&chunk);
        if self.over {
            return Ok(());
        }
        let created = match chunk.create_time.is_empty() {
            true => None,
            false => time::unix_seconds(&chunk.create_time),
        };
        self.assembler.start(
            Some(&chunk.response_id),
            Some(&chunk.model_version),
            created,
        );
        let first_usage = self.consumed.is_empty();
        if let Some(raw) = chunk.usage {
            self.consumed.note(raw.get());
            if first_usage {
                self.tell_usage(out);
            }
        }
        if let Some(raw) = chunk.prompt_feedback {
            self.prompt_feedback(raw, out)?;
        }
        for (at, candidate) in chunk.candidates.into_iter().enumerate() {
            self.candidate(at, candidate, out)?;
        }
        for (name, raw) in chunk.rest.iter() {
            if self.told.len() < MAX_NOTES && !self.told.iter().any(|it| it == name) {
                self.told.push(name.to_string());
                let item = Map::from_iter([(wire::camel(name), wire::value(*raw))]);
                self.assembler.unknown(Value::Object(item), out);
            }
        }
        Ok(())
    }

    /// Whether a chunk brings content of choices that have all finished. Usage
    /// and repeated finish reasons may follow the end of an answer, content
    /// doesn't.
    fn is_another(&self, chunk: &Chunk<'_>) -> bool {
        let finished = |index| self.assembler.is_finished(index);
        if self.choices.is_empty() || !self.choices.iter().all(|it| finished(it.index)) {
            return false;
        }
        let says = |part: &wire::Part<'_>| {
            !wire::part::is_text(part) || part.text.as_ref().is_some_and(|it| !it.is_empty())
        };
        (0..).zip(chunk.candidates.iter()).any(|(at, candidate)| {
            finished(index_of(candidate, at)) && candidate.content.parts.iter().any(says)
        })
    }

    fn candidate(
        &mut self,
        at: usize,
        candidate: Candidate<'_>,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let index = index_of(&candidate, at as u64);
        if self.assembler.is_finished(index) {
            return Ok(());
        }
        let at = match self.choices.iter().position(|it| it.index == index) {
            Some(at) => at,
            None if self.choices.len() == MAX_CHOICES => {
                return Err(Error::decode("the answer has too many choices"));
            }
            None => {
                self.choices.reserve_exact(1);
                self.choices.push(ChoiceState {
                    index,
                    ..ChoiceState::default()
                });
                self.choices.len() - 1
            }
        };
        for part in candidate.content.parts {
            self.part(at, &part, out)?;
        }
        if let Some(raw) = candidate.citations {
            for citation in grounding::citations(&wire::value(raw), &self.assembler) {
                self.cite(at, citation, out)?;
            }
        }
        if let Some(raw) = candidate.logprobs {
            let tokens = logprobs(&wire::value(raw));
            self.assembler.logprobs(index, false, tokens, out)?;
        }
        let choice = &mut self.choices[at];
        if let Some(raw) = candidate.grounding
            && raw.get().trim() != "{}"
        {
            choice.grounding = Some(raw.get().to_owned());
        }
        if let Some(ratings) = candidate.safety_ratings.map(wire::value)
            && is_informative(&ratings)
        {
            choice.notes.insert("safetyRatings".to_owned(), ratings);
        }
        if !candidate.content.rest.is_empty() {
            let rest = wire::rest_of(&candidate.content.rest);
            choice.notes.insert("content".to_owned(), rest.into());
        }
        if choice.notes.len() < MAX_NOTES && !candidate.rest.is_empty() {
            choice.notes.extend(wire::rest_of(&candidate.rest));
        }
        match finish_reason(&candidate.finish_reason, &self.quirks) {
            Some(reason) => {
                self.tell_usage(out);
                self.end(at, out)?;
                self.assembler.finish(index, reason, out)
            }
            None => Ok(()),
        }
    }

    /// Puts a citation on the last text, if it is still open.
    fn cite(&mut self, at: usize, citation: Citation, out: &mut VecDeque<Event>) -> Result<()> {
        let state = &mut self.choices[at];
        let key = (citation.start, citation.end, citation.url.clone());
        if state.cited.contains(&key) {
            return Ok(());
        }
        let choice = state.index;
        match (&state.sealed, self.assembler.current(choice)) {
            (Some(sealed), _) if sealed.kind == PartKind::Text => {
                self.assembler
                    .citation_in(choice, sealed.part, citation, out);
            }
            (None, Some((_, PartKind::Text))) => self.assembler.citation(choice, citation, out)?,
            _ => return Ok(()),
        }
        state.cited.push(key);
        Ok(())
    }

    /// Tells what waited for the end of a choice.
    fn end(&mut self, at: usize, out: &mut VecDeque<Event>) -> Result<()> {
        let grounding = self.choices[at].grounding.take();
        let grounding = grounding.and_then(|it| serde_json::from_str::<Value>(&it).ok());
        let mut sources = Vec::new();
        if let Some(grounding) = grounding {
            let read = grounding::read(&grounding);
            for citation in read.citations {
                self.cite(at, citation, out)?;
            }
            sources = read.sources;
            if !read.is_whole {
                let notes = &mut self.choices[at].notes;
                notes.insert("groundingMetadata".to_owned(), grounding);
            }
        }
        self.unseal(at, out);
        self.end_call(at, true, out)?;
        let choice = self.choices[at].index;
        for source in sources {
            self.assembler.part(choice, source.into(), out)?;
        }
        let mut notes = std::mem::take(&mut self.choices[at].notes);
        if !notes.is_empty() {
            if choice != 0 {
                notes.insert("index".to_owned(), json!(choice));
            }
            self.assembler
                .unknown(json!({ "candidates": [notes] }), out);
        }
        Ok(())
    }

    fn prompt_feedback(&mut self, raw: Json<'_>, out: &mut VecDeque<Event>) -> Result<()> {
        let feedback: PromptFeedback<'_> = wire::object(raw);
        let word = blocked(&feedback.block_reason);
        let ratings = feedback.safety_ratings.map(wire::value).unwrap_or_default();
        if word.is_none() && !is_informative(&ratings) {
            return Ok(());
        }
        if !self.told.iter().any(|it| it == "promptFeedback") {
            self.told.push("promptFeedback".to_owned());
            let item = json!({ "promptFeedback": wire::value(raw) });
            self.assembler.unknown(item, out);
        }
        match word {
            Some(reason) => {
                self.tell_usage(out);
                self.assembler.finish(0, reason, out)
            }
            None => Ok(()),
        }
    }

    fn tell_usage(&mut self, out: &mut VecDeque<Event>) {
        if let Some(usage) = self.consumed.take_news() {
            self.assembler.usage(usage, out);
        }
    }

    /// Tells what is known before the answer fails.
    fn give_up(&mut self, out: &mut VecDeque<Event>) {
        for at in 0..self.choices.len() {
            self.unseal(at, out);
        }
        self.tell_usage(out);
    }

    /// Completes a whole answer, which has its end in its own brackets.
    pub(super) fn complete(&mut self, out: &mut VecDeque<Event>) -> Result<()> {
        for at in 0..self.choices.len() {
            if !self.assembler.is_finished(self.choices[at].index) {
                self.end(at, out)?;
            }
        }
        self.tell_usage(out);
        self.assembler.complete(out)
    }
}

impl Decoder for GeminiDecoder {
    fn decode(&mut self, frame: Frame<'_>, out: &mut VecDeque<Event>) -> Result<()> {
        if self.assembler.is_completed() {
            return Ok(());
        }
        let data = frame.data.trim_ascii();
        // Blank data and data that begins with a colon are keep-alives of
        // proxies, and the marker is one that compatible hosts add.
        if data.is_empty() || data.starts_with(b":") || data == b"[DONE]" {
            return Ok(());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let outcome = self.read(&frame, &mut scratch, out);
        self.scratch = scratch;
        outcome
    }

    fn is_over(&self) -> bool {
        self.assembler.all_finished()
    }

    fn finish(&mut self, out: &mut VecDeque<Event>) -> Result<()> {
        if self.assembler.is_completed() {
            return Ok(());
        }
        if self.assembler.any_finished() {
            return self.complete(out);
        }
        self.give_up(out);
        Err(Error::truncated())
    }
}

/// The index of a candidate, which may go unsaid.
pub(super) fn index_of(candidate: &Candidate<'_>, at: u64) -> u32 {
    let index = candidate.index.count().unwrap_or(at);
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn not_a_chunk(data: &[u8]) -> Error {
    Error::decode("a frame of the answer is not JSON of this dialect").with_body(data)
}

/// Whether ratings say more than that there is nothing to say.
pub(super) fn is_informative(ratings: &Value) -> bool {
    let tells = |rating: &Value| {
        let probability = &rating["probability"];
        rating["blocked"] == true
            || !(probability.is_null() || *probability == "NEGLIGIBLE" || *probability == 1)
    };
    ratings
        .as_array()
        .is_some_and(|list| list.iter().any(tells))
}
