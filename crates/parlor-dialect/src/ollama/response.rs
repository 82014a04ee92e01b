//! Whole answers, in both directions.

mod plain;

use super::NAME;
use super::request::{arguments, wrapped};
use super::stream::{OllamaDecoder, read_value};
use super::wire::{Rest, WireCall, WireFunction, WireLogprob, WriteLine, WriteMessage};
use crate::dialect::{Decoder, Frame, Target};
use crate::whole::collected;
use crate::{media, time};
use parlor_core::{
    ArgumentsForm, ChatResponse, Error, Executor, FinishKind, FinishReason, Media, MediaKind,
    MediaSource, Native, Part, Result, TokenLogprob, ToolCall, TopLogprob, Usage,
};
use serde_json::value::RawValue;
use serde_json::{Deserializer, Map, Value};
use std::collections::VecDeque;

/// Reads a whole answer: one object, at once if it is plain, or, from a server
/// that streams unasked, its lines.
pub(super) fn read(body: &[u8], target: &Target<'_>) -> Result<ChatResponse> {
    if let Some(response) = plain::read(body, target) {
        return Ok(response);
    }
    let mut decoder = OllamaDecoder::new(target);
    let mut events = VecDeque::new();
    let outcome = feed(&mut decoder, body, &mut events);
    collected(outcome, events, target)
}

/// Reads a plain answer that is mostly one long text, which is made of the body.
pub(super) fn take(body: &mut Vec<u8>, target: &Target<'_>) -> Option<ChatResponse> {
    plain::take(body, target)
}

fn feed(
    decoder: &mut OllamaDecoder,
    body: &[u8],
    events: &mut VecDeque<parlor_core::Event>,
) -> Result<()> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}');
    for value in Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value =
            value.map_err(|error| Error::decode(format!("the answer is no JSON: {error}")))?;
        decoder.decode(Frame::data(value.get().as_bytes()), events)?;
    }
    decoder.finish_whole(events)
}

/// Writes a whole answer: its first choice.
pub(super) fn write(response: &ChatResponse) -> Result<Vec<u8>> {
    let (mut content, mut images, mut calls, mut left_out) =
        (String::new(), Vec::new(), Vec::new(), false);
    let choice = response.choices.first();
    for part in choice.into_iter().flat_map(|it| &it.message.parts) {
        match part {
            Part::Text(text) => content.push_str(&text.text),
            Part::Refusal(refusal) => content.push_str(&refusal.text),
            Part::Media(media) => images.extend(image(media)),
            Part::ToolCall(call) if call.executor == Executor::Client => {
                match write_call(call, calls.len() as u32) {
                    Some(call) => calls.push(call),
                    None => left_out = true,
                }
            }
            _ => {}
        }
    }
    let logprobs = choice.and_then(|it| it.logprobs.as_ref());
    let logprobs: Vec<_> = logprobs.map_or(Vec::new(), |it| write_logprobs(&it.content));
    let (mut rest, mut message_rest) = (Map::new(), Map::new());
    if let Some(usage) = &response.usage {
        write_usage(usage, &mut rest);
    }
    for native in &response.native {
        write_unknown(native, &mut rest, &mut message_rest);
    }
    let line = WriteLine {
        model: response.model.as_deref().unwrap_or_default(),
        created_at: &time::rfc3339(response.created.unwrap_or_default()),
        message: WriteMessage {
            content: &content,
            thinking: &response.reasoning(),
            images: &images,
            tool_calls: &calls,
            rest: Some(&message_rest),
            ..WriteMessage::default()
        },
        done: true,
        done_reason: Some(done_reason(
            choice.and_then(|it| it.finish_reason.as_ref()),
            left_out,
        )),
        logprobs: &logprobs,
        rest: Some(&rest),
    };
    serde_json::to_vec(&line).map_err(|error| Error::decode(error.to_string()))
}

/// The reason that a word stands for; without one the answer is whole.
pub(super) fn finish_reason(word: &str) -> FinishReason {
    let kind = match word {
        "stop" | "" => FinishKind::Stop,
        "length" => FinishKind::Length,
        _ => FinishKind::Other,
    };
    match word {
        "" => kind.into(),
        word => FinishReason::new(kind, word),
    }
}

/// Why an answer ended, in the dialect's words. There are but two, and `stop`
/// stands beside tool calls too. An answer from which a call was left out
/// ends as `length`.
pub(super) fn done_reason(reason: Option<&FinishReason>, left_out: bool) -> &str {
    match reason {
        None => "length",
        Some(_) if left_out => "length",
        Some(reason) => match (reason.kind, &reason.raw) {
            (FinishKind::Length, _) => "length",
            (FinishKind::Other, Some(word)) => word,
            _ => "stop",
        },
    }
}

/// A call as clients read it. Arguments that were cut or are no JSON can't be
/// said, since clients take an object and run it: such a call is `None`.
pub(super) fn write_call(call: &ToolCall, index: u32) -> Option<WireCall> {
    let arguments = match (arguments(call), call.arguments.form) {
        (Some(arguments), _) => arguments,
        (None, ArgumentsForm::Cut) => return None,
        (None, _) if call.arguments.parse().is_err() => return None,
        (None, _) => wrapped(call).ok()?,
    };
    Some(WireCall {
        id: call.id.clone(),
        function: WireFunction {
            index: Some(index),
            name: call.name.clone(),
            arguments: Some(arguments),
            ..WireFunction::default()
        },
        ..WireCall::default()
    })
}

/// An image that a model made, where its bytes are here.
pub(super) fn image(media: &Media) -> Option<String> {
    match &media.source {
        MediaSource::Bytes(bytes) if media.kind == MediaKind::Image => Some(media::encode(bytes)),
        _ => None,
    }
}

pub(super) fn write_logprobs(tokens: &[TokenLogprob]) -> Vec<WireLogprob> {
    let top = |it: &TopLogprob| WireLogprob {
        token: it.token.clone(),
        logprob: it.logprob,
        bytes: it.bytes.clone(),
        top_logprobs: Vec::new(),
    };
    let tokens = tokens.iter().map(|it| WireLogprob {
        token: it.token.clone(),
        logprob: it.logprob,
        bytes: it.bytes.clone(),
        top_logprobs: it.top_logprobs.iter().map(top).collect(),
    });
    tokens.collect()
}

pub(super) fn read_logprobs(tokens: Vec<WireLogprob>) -> Vec<TokenLogprob> {
    let top = |it: WireLogprob| {
        let mut top = TopLogprob::new(it.token, it.logprob);
        top.bytes = it.bytes;
        top
    };
    let tokens = tokens.into_iter().map(|it| {
        let mut token = TokenLogprob::new(it.token, it.logprob);
        token.bytes = it.bytes;
        token.top_logprobs = it.top_logprobs.into_iter().map(top).collect();
        token
    });
    tokens.collect()
}

/// The counts and durations (nanoseconds) of the last line.
const USAGE_FIELDS: [&str; 6] = [
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
];

/// Reads the counts and durations among the fields of a line, and gives the
/// others.
pub(super) fn split_usage(rest: Rest<'_>) -> (Usage, Rest<'_>) {
    let mut counts = Map::with_capacity(rest.len());
    let mut others = Rest::new();
    for (key, value) in rest {
        match USAGE_FIELDS.contains(&&*key) {
            true => {
                counts.insert(key.to_string(), read_value(value));
            }
            false => others.push((key, value)),
        }
    }
    (read_usage(counts), others)
}

/// Reads the counts and durations. A cached prompt isn't told apart, and older
/// servers leave it out of the count or the count out of the line.
fn read_usage(raw: Map<String, Value>) -> Usage {
    let mut usage = Usage::default();
    usage.input_tokens = raw.get("prompt_eval_count").and_then(Value::as_u64);
    usage.output_tokens = raw.get("eval_count").and_then(Value::as_u64);
    usage.raw = (!raw.is_empty()).then_some(Value::Object(raw));
    usage
}

/// Writes the counts, and the durations where an Ollama measured them.
pub(super) fn write_usage(usage: &Usage, rest: &mut Map<String, Value>) {
    let raw = usage.raw.as_ref().and_then(Value::as_object);
    for field in USAGE_FIELDS {
        let count = match field {
            "prompt_eval_count" => usage.input_tokens.map(Value::from),
            "eval_count" => usage.output_tokens.map(Value::from),
            duration => raw.and_then(|it| it.get(duration)).cloned(),
        };
        if let Some(count) = count {
            rest.insert(field.to_owned(), count);
        }
    }
}

/// Puts back what an Ollama said and core doesn't model.
pub(super) fn write_unknown(
    native: &Native,
    rest: &mut Map<String, Value>,
    message_rest: &mut Map<String, Value>,
) {
    if native.origin.dialect != NAME {
        return;
    }
    for (key, value) in native.item.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("message", Value::Object(inner)) => message_rest.extend(inner.clone()),
            _ => {
                rest.insert(key.clone(), value.clone());
            }
        }
    }
}
