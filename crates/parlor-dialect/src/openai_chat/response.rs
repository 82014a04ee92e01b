//! Whole answers, both ways, and the meaning of their pieces.

mod pieces;
mod plain;
mod write;

pub(super) use pieces::{
    SEARCHES, SIDE_CHANNEL, cite, finish_reason, finish_word, image, logprobs, sources, thinking,
};
pub(crate) use pieces::{token, usage};
pub(crate) use write::tokens;
pub(super) use write::{
    Sources, annotation, fields_of, legacy, media, own, said, unknown, usage as write_usage,
};

use super::quirks::Quirks;
use super::stream::{ChatDecoder, parse, trimmed};
use super::wire::Chunk;
use crate::dialect::Target;
use crate::fields;
use crate::whole::{collected, made_of};
use parlor_core::{ChatResponse, Result};
use std::collections::VecDeque;
use std::sync::Arc;

/// Reads a whole answer: a plain one at once, any other by the same road as a
/// stream.
pub(super) fn read(body: &[u8], quirks: &Arc<Quirks>, target: &Target<'_>) -> Result<ChatResponse> {
    let data = trimmed(body);
    let mut scratch = String::new();
    let mut chunk = Chunk::default();
    parse(data, quirks, &mut scratch, &mut chunk)?;
    if let Some(plain) = plain::read(&mut chunk, target, None) {
        return Ok(plain.finish());
    }
    let mut decoder = ChatDecoder::new(quirks.clone(), target);
    let mut events = VecDeque::new();
    let outcome = decoder.whole(&chunk, data, &mut events);
    collected(outcome, events, target)
}

/// Reads a plain answer that is mostly one long text, which is made of the body.
pub(super) fn take(body: &mut Vec<u8>, target: &Target<'_>) -> Option<ChatResponse> {
    made_of(body, |json, long| {
        let mut chunk = Chunk::default();
        let left = fields::read_leaving(json, long, &mut chunk)?;
        plain::read(&mut chunk, target, Some(left))
    })
}

/// Writes a whole answer.
pub(super) fn write(response: &ChatResponse) -> Vec<u8> {
    write::body(response).to_string().into_bytes()
}
