//! Frames, and those among them that say a single text.

use super::{GeminiDecoder, index_of};
use crate::dialect::Frame;
use crate::fields;
use crate::gemini::wire::{Candidate, Chunk, Content, Scalar, part};
use crate::json;
use crate::template::Single;
use parlor_core::{ErrorKind, Event, Result};
use std::collections::VecDeque;

/// What a chunk says that says a single text, beside usage. Unknown fields and
/// ratings are told once, at the end.
fn single<'a>(chunk: &Chunk<'a>) -> Option<Single<'a, (u32, bool)>> {
    let Chunk {
        candidates,
        usage,
        model_version: _,
        response_id: _,
        create_time: _,
        prompt_feedback,
        error,
        rest: _,
    } = chunk;
    let candidate = only(candidates.iter())?;
    let Candidate {
        index: _,
        content,
        finish_reason,
        grounding,
        citations,
        logprobs,
        safety_ratings: _,
        rest: _,
    } = candidate;
    let Content {
        role: _,
        parts,
        rest: _,
    } = content;
    let part = only(parts.iter())?;
    let text = part.text.as_ref()?;
    let says_more = error.is_some()
        || prompt_feedback.is_some()
        || *finish_reason != Scalar::Nothing
        || grounding.is_some()
        || citations.is_some()
        || logprobs.is_some();
    if says_more || text.is_empty() || !part::is_text(part) || !part::is_plain(part) {
        return None;
    }
    let place = (index_of(candidate, 0), part.thought.is_true());
    let mut single = Single::new(place, text.borrowed()?);
    single.object = usage.map_or("", |raw| raw.get());
    Some(single)
}

fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let first = items.next()?;
    items.next().is_none().then_some(first)
}

impl GeminiDecoder {
    /// Reads a frame, one like the one before without its JSON.
    pub(super) fn read(
        &mut self,
        frame: &Frame<'_>,
        scratch: &mut String,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        if let Some(single) = self.template.fill(frame, scratch) {
            if !single.object.is_empty() {
                self.consumed.note(single.object);
            }
            let (choice, thought) = single.place;
            return self.plain_text(choice, thought, single.text, out);
        }
        let data = frame.data.trim_ascii();
        let mut chunk = Chunk::default();
        if data.starts_with(b"{") && fields::read_repaired(data, scratch, &mut chunk).is_ok() {
            let single = single(&chunk);
            self.chunk(chunk, out)?;
            if let Some(single) = single
                && !self.over
                && !self.assembler.is_finished(single.place.0)
            {
                self.template.learn(frame, &single);
            }
            return Ok(());
        }
        let repaired = json::repair(data);
        let data = repaired.as_ref().map_or(data, String::as_bytes);
        match self.chunks(data, out) {
            // The answer stands; what is damaged is no part of it.
            Err(error) if error.kind() == ErrorKind::Decode && self.assembler.any_finished() => {
                Ok(())
            }
            outcome => outcome.inspect_err(|_| self.give_up(out)),
        }
    }
}
