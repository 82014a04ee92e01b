//! Plain answers: one candidate of texts and thoughts, signed or not.

use super::super::stream::{Consumed, MAX_NOTES, index_of, is_informative};
use super::super::wire::{self, Candidate, Chunk, Content, part};
use super::super::{NAME, Quirks};
use super::finish_reason;
use crate::whole::Plain;
use crate::{Target, time};
use parlor_core::{Native, Part, Reasoning};
use serde_json::{Map, Value, json};

/// The plain answer that a chunk is, if it is one. A text may have been left as
/// it stands.
pub(super) fn read<'a>(
    chunk: &Chunk<'a>,
    target: &Target<'_>,
    quirks: &Quirks,
    left: Option<&'a str>,
) -> Option<Plain<'a>> {
    let Chunk {
        candidates,
        usage,
        model_version,
        response_id,
        create_time,
        prompt_feedback,
        error,
        rest,
    } = chunk;
    let mut candidates = candidates.iter();
    let (Some(candidate), None) = (candidates.next(), candidates.next()) else {
        return None;
    };
    let Candidate {
        index: _,
        content,
        finish_reason: word,
        grounding,
        citations,
        logprobs,
        safety_ratings,
        rest: notes,
    } = candidate;
    let silent = [error, prompt_feedback, grounding, citations, logprobs];
    let rated = || safety_ratings.is_some_and(|it| is_informative(&wire::value(it)));
    if silent.iter().any(|it| it.is_some()) || !content.rest.is_empty() || rated() {
        return None;
    }
    let index = index_of(candidate, 0);
    let mut plain = Plain::new(target, index, finish_reason(word, quirks)?).leaving(left);
    say(content, target, &mut plain)?;
    let created = match create_time.is_empty() {
        true => None,
        false => time::unix_seconds(create_time),
    };
    plain.start(response_id, model_version, created);
    if let Some(raw) = usage {
        let mut consumed = Consumed::default();
        consumed.note(raw.get());
        plain.usage(consumed.take_news()?);
    }
    let mut unknown = |item| plain.unknown(Native::new(target.origin(NAME), item));
    if !notes.is_empty() {
        let mut notes = wire::rest_of(notes);
        if index != 0 {
            notes.insert("index".to_owned(), json!(index));
        }
        unknown(json!({ "candidates": [notes] }));
    }
    for (at, (name, raw)) in rest.iter().enumerate() {
        if at == MAX_NOTES || rest.iter().take(at).any(|it| it.0 == *name) {
            return None;
        }
        let item = Map::from_iter([(wire::camel(name), wire::value(*raw))]);
        unknown(Value::Object(item));
    }
    Some(plain)
}

/// Tells texts. Two that would be joined, since neither has a signature, aren't
/// plain.
fn say<'a>(content: &Content<'a>, target: &Target<'_>, plain: &mut Plain<'a>) -> Option<()> {
    let mut before = None;
    for it in content.parts.iter() {
        let (text, thought) = (&it.text, it.thought.is_true());
        let is_plain = part::is_plain(it);
        if !part::is_text(it) || (is_plain && text.is_none()) {
            return None;
        }
        let text = text.clone().unwrap_or_default();
        if is_plain && text.is_empty() {
            continue;
        }
        let mut said = match thought {
            true => Part::from(Reasoning::new(text.0)),
            false => plain.text(text.0),
        };
        if is_plain && before == Some(thought) {
            return None;
        }
        before = is_plain.then_some(thought);
        if !is_plain {
            if it.text.is_none() && it.signature.is_empty() {
                return None;
            }
            let item = Value::Object(part::modifiers(it, false));
            said.set_native(Native::new(target.origin(NAME), item));
        }
        plain.part(said);
    }
    Some(())
}
