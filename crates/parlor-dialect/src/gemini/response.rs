//! Whole answers, read and written.
//!
//! Both go through the stream, but for plain answers that are read: a whole
//! answer is one chunk of it, and what the encoder would stream is put together
//! again.

mod plain;

use super::stream::{GeminiDecoder, GeminiEncoder};
use super::wire::{Chunk, Scalar};
use super::{EnumNumbers, Quirks};
use crate::fields;
use crate::whole::{collected, made_of};
use crate::{Encoder, Target, json};
use parlor_core::{
    ChatResponse, Error, FinishKind, FinishReason, Result, TokenLogprob, TopLogprob,
};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;

/// Reads a whole answer; also the array of chunks that the host sends for a
/// stream where events weren't asked for.
pub(super) fn read(body: &[u8], target: &Target<'_>, quirks: &Quirks) -> Result<ChatResponse> {
    let mut decoder = GeminiDecoder::new(target, quirks);
    let mut events = VecDeque::new();
    let data = body.trim_ascii();
    let data = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let outcome = match data.first() {
        Some(b'[') => {
            use crate::Decoder;
            let fed = decoder.decode(crate::Frame::data(data), &mut events);
            fed.and_then(|()| decoder.finish(&mut events))
        }
        _ => {
            let mut scratch = String::new();
            let mut chunk = Chunk::default();
            fields::read_repaired(data, &mut scratch, &mut chunk).map_err(|error| {
                Error::decode(format!("the answer is not JSON of this dialect: {error}"))
                    .with_body(body)
            })?;
            if chunk.says_nothing() {
                return Err(Error::decode("the answer has no candidates").with_body(body));
            }
            if let Some(plain) = plain::read(&chunk, target, quirks, None) {
                return Ok(plain.finish());
            }
            let fed = decoder.chunk(chunk, &mut events);
            fed.and_then(|()| decoder.complete(&mut events))
        }
    };
    collected(outcome, events, target)
}

/// Reads a plain answer that is mostly one long text, which is made of the body.
pub(super) fn take(
    body: &mut Vec<u8>,
    target: &Target<'_>,
    quirks: &Quirks,
) -> Option<ChatResponse> {
    made_of(body, |json, long| {
        let mut chunk = Chunk::default();
        let left = fields::read_leaving(json, long, &mut chunk)?;
        plain::read(&chunk, target, quirks, Some(left))
    })
}

/// Writes a whole answer: all choices.
#[cfg(feature = "server")]
pub(super) fn write(response: &ChatResponse) -> Result<Vec<u8>> {
    let mut frames: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    let mut encoder = GeminiEncoder::default();
    for event in response.clone().into_events() {
        encoder.encode(&event, &mut frames)?;
    }
    encoder.flush(&mut frames);
    let mut whole = Map::new();
    for (_, frame) in frames {
        if let Ok(Value::Object(chunk)) = serde_json::from_slice(&frame) {
            join(&mut whole, chunk);
        }
    }
    Ok(Value::Object(whole).to_string().into_bytes())
}

/// Joins a chunk to what came before it: parts are appended but for the empty
/// text of the last chunk, candidates are found by their index, and everything
/// else is merged.
fn join(whole: &mut Map<String, Value>, mut chunk: Map<String, Value>) {
    let candidates = match chunk.shift_remove("candidates") {
        Some(Value::Array(candidates)) => candidates,
        _ => Vec::new(),
    };
    json::merge(whole, &chunk);
    for candidate in candidates {
        let Value::Object(mut candidate) = candidate else {
            continue;
        };
        let known = whole.entry("candidates").or_insert_with(|| json!([]));
        let Value::Array(known) = known else {
            return;
        };
        let index = |it: &Value| it.get("index").and_then(Value::as_u64).unwrap_or(0);
        let wanted = candidate.get("index").and_then(Value::as_u64).unwrap_or(0);
        if let Some(Value::Object(content)) = candidate.get_mut("content")
            && content.get("parts") == Some(&json!([{ "text": "" }]))
        {
            content.shift_remove("parts");
        }
        let at = known.iter().position(|it| index(it) == wanted);
        let Some(Value::Object(mine)) = at.and_then(|at| known.get_mut(at)) else {
            known.push(Value::Object(candidate));
            continue;
        };
        let parts = candidate
            .get_mut("content")
            .and_then(|it| it.as_object_mut()?.shift_remove("parts"));
        let before = mine.get_mut("content").and_then(|it| it.get_mut("parts"));
        match (before, parts) {
            (Some(Value::Array(before)), Some(Value::Array(mut more))) => before.append(&mut more),
            (None, Some(parts)) => {
                let content = json!({ "parts": parts });
                json::merge(mine, &Map::from_iter([("content".to_owned(), content)]));
            }
            _ => {}
        }
        json::merge(mine, &candidate);
    }
}

/// What the words for an end mean; any other word is "other".
static FINISH: &[(&str, FinishKind)] = &[
    ("STOP", FinishKind::Stop),
    ("MAX_TOKENS", FinishKind::Length),
    ("SAFETY", FinishKind::ContentFilter),
    ("RECITATION", FinishKind::ContentFilter),
    ("BLOCKLIST", FinishKind::ContentFilter),
    ("PROHIBITED_CONTENT", FinishKind::ContentFilter),
    ("SPII", FinishKind::ContentFilter),
    ("LANGUAGE", FinishKind::ContentFilter),
    ("IMAGE_SAFETY", FinishKind::ContentFilter),
    ("IMAGE_PROHIBITED_CONTENT", FinishKind::ContentFilter),
    ("IMAGE_RECITATION", FinishKind::ContentFilter),
    ("MODEL_ARMOR", FinishKind::ContentFilter),
    ("ESCALATION", FinishKind::ContentFilter),
    ("MALFORMED_FUNCTION_CALL", FinishKind::Error),
    ("UNEXPECTED_TOOL_CALL", FinishKind::Error),
    ("TOO_MANY_TOOL_CALLS", FinishKind::Error),
    ("MISSING_THOUGHT_SIGNATURE", FinishKind::Error),
    ("MALFORMED_RESPONSE", FinishKind::Error),
];

/// The words of copies, in any case, that the host itself doesn't say.
static COPIES: &[(&str, FinishKind)] = &[
    ("FUNCTION_CALL", FinishKind::ToolCalls),
    ("FUNCTION_CALLS", FinishKind::ToolCalls),
    ("TOOL_CALL", FinishKind::ToolCalls),
    ("TOOL_CALLS", FinishKind::ToolCalls),
    ("TOOL_USE", FinishKind::ToolCalls),
    ("LENGTH", FinishKind::Length),
];

/// The numbers of the host's words where a proxy asked the host for numbers.
/// The two hosts number them differently from 6 on.
static STUDIO_NUMBERS: &[&str] = &[
    "",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
];

static VERTEX_NUMBERS: &[&str] = &[
    "",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "MODEL_ARMOR",
];

/// Why a choice ended; `None` while it goes on.
pub(super) fn finish_reason(word: &Scalar<'_>, quirks: &Quirks) -> Option<FinishReason> {
    let word = match word {
        Scalar::Text(word) if word == "FINISH_REASON_UNSPECIFIED" => return None,
        Scalar::Text(word) => word.to_string(),
        Scalar::Count(number) => {
            let table = match quirks.enum_numbers {
                EnumNumbers::Studio => STUDIO_NUMBERS,
                EnumNumbers::Vertex => VERTEX_NUMBERS,
            };
            let known = usize::try_from(*number).ok().and_then(|it| table.get(it));
            known.map_or_else(|| number.to_string(), |it| (*it).to_owned())
        }
        _ => return None,
    };
    if word.is_empty() {
        return None;
    }
    let mut all = FINISH.iter().chain(COPIES);
    let known = all.find(|it| it.0.eq_ignore_ascii_case(&word));
    Some(FinishReason::new(
        known.map_or(FinishKind::Other, |it| it.1),
        word,
    ))
}

/// The word for an end, for clients.
pub(super) fn finish_word(reason: &FinishReason) -> &str {
    if let Some(raw) = &reason.raw
        && (FINISH.iter().any(|it| it.0 == raw) || reason.kind == FinishKind::Other)
    {
        return raw;
    }
    match reason.kind {
        FinishKind::Stop | FinishKind::ToolCalls | FinishKind::Pause => "STOP",
        FinishKind::Length => "MAX_TOKENS",
        FinishKind::ContentFilter | FinishKind::Refusal => "SAFETY",
        FinishKind::Error => "MALFORMED_RESPONSE",
        _ => "OTHER",
    }
}

/// Why the prompt was blocked; `None` if it wasn't.
pub(super) fn blocked(word: &Scalar<'_>) -> Option<FinishReason> {
    let word = match word {
        Scalar::Text(word) if word != "BLOCK_REASON_UNSPECIFIED" => word.to_string(),
        Scalar::Count(number) if *number != 0 => match number {
            1 => "SAFETY".to_owned(),
            2 => "OTHER".to_owned(),
            3 => "BLOCKLIST".to_owned(),
            4 => "PROHIBITED_CONTENT".to_owned(),
            number => number.to_string(),
        },
        _ => return None,
    };
    (!word.is_empty()).then(|| FinishReason::new(FinishKind::ContentFilter, word))
}

/// Reads `logprobsResult`. The tokens' numbers aren't kept.
pub(super) fn logprobs(result: &Value) -> Vec<TokenLogprob> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let token = |it: &Value| it["token"].as_str().unwrap_or_default().to_owned();
    let logprob = |it: &Value| it["logProbability"].as_f64().unwrap_or_default();
    let top = list(&result["topCandidates"]);
    let chosen = list(&result["chosenCandidates"]);
    let read = chosen.iter().enumerate().map(|(at, chosen)| {
        let others = top.get(at).map(|it| list(&it["candidates"]));
        let others = others.unwrap_or_default();
        let others = others.iter();
        let mut read = TokenLogprob::new(token(chosen), logprob(chosen));
        read.top_logprobs = others
            .map(|it| TopLogprob::new(token(it), logprob(it)))
            .collect();
        read
    });
    read.collect()
}

/// Writes `logprobsResult`.
pub(super) fn write_logprobs(tokens: &[TokenLogprob]) -> Value {
    let one = |token: &str, logprob: f64| json!({"token": token, "logProbability": logprob});
    let chosen: Vec<Value> = tokens.iter().map(|it| one(&it.token, it.logprob)).collect();
    let mut out = json!({ "chosenCandidates": chosen });
    if tokens.iter().any(|it| !it.top_logprobs.is_empty()) {
        let top = |it: &TokenLogprob| {
            let candidates = it.top_logprobs.iter().map(|it| one(&it.token, it.logprob));
            json!({ "candidates": candidates.collect::<Vec<_>>() })
        };
        out["topCandidates"] = tokens.iter().map(top).collect();
    }
    out
}
