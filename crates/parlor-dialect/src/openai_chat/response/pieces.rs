//! What the pieces of an answer mean: usage, finish reasons, probabilities,
//! citations, media.

use super::super::stream::Kept;
use super::super::wire::Raw;
use crate::assemble::Assembler;
use crate::media::parse_data_url;
use parlor_core::{
    Citation, FinishKind, FinishReason, Media, MediaKind, Part, Source, TokenLogprob, TopLogprob,
    Usage,
};
use serde_json::{Map, Value};

/// An object in which a host gives usage and errors beside the dialect's own
/// places.
pub(in super::super) const SIDE_CHANNEL: &str = "x_groq";

/// What the words of finish reasons mean.
const FINISHES: &[(FinishKind, &[&str])] = &[
    (
        FinishKind::Stop,
        &[
            "stop",
            "eos",
            "eos_token",
            "end_turn",
            "normal",
            "stop_sequence",
            "complete",
            "completed",
        ],
    ),
    (
        FinishKind::Length,
        &[
            "length",
            "max_tokens",
            "max_output_tokens",
            "model_length",
            "model_context_window_exceeded",
        ],
    ),
    (
        FinishKind::ToolCalls,
        &["tool_calls", "function_call", "tool_use"],
    ),
    (
        FinishKind::ContentFilter,
        &["content_filter", "sensitive", "safety"],
    ),
    (FinishKind::Refusal, &["refusal"]),
    (
        FinishKind::Error,
        &[
            "error",
            "abort",
            "network_error",
            "insufficient_system_resource",
        ],
    ),
];

fn kind_of(word: &str) -> FinishKind {
    let row = FINISHES.iter().find(|(_, words)| words.contains(&word));
    row.map_or(FinishKind::Other, |(kind, _)| *kind)
}

/// The reason that a word gives. `own` is the word of the host behind a
/// router: a length there is one though the router says otherwise.
pub(in super::super) fn finish_reason(word: &str, own: Option<&str>) -> FinishReason {
    let own = own.map(|word| kind_of(&word.to_ascii_lowercase()));
    let kind = match (kind_of(word), own) {
        (FinishKind::Stop | FinishKind::ToolCalls, Some(FinishKind::Length)) => FinishKind::Length,
        (kind, _) => kind,
    };
    FinishReason::new(kind, word)
}

/// The words that the dialect has for an end. Copies say others, which are read
/// but not written: clients compare with these.
const WORDS: &[&str] = &[
    "stop",
    "length",
    "tool_calls",
    "function_call",
    "content_filter",
];

/// The word for a reason: the provider's own where it is this dialect's.
pub(in super::super) fn finish_word(reason: &FinishReason) -> &str {
    match reason.raw.as_deref() {
        Some(raw) if WORDS.contains(&raw) && kind_of(raw) == reason.kind => raw,
        // What is refused is said in a part; the answer then ends like any other.
        Some("stop") if reason.kind == FinishKind::Refusal => "stop",
        _ => match reason.kind {
            FinishKind::Length => "length",
            FinishKind::ToolCalls => "tool_calls",
            FinishKind::ContentFilter | FinishKind::Refusal => "content_filter",
            FinishKind::Error => "error",
            _ => "stop",
        },
    }
}

/// A count that may be written as a float.
fn count(value: &Value) -> Option<u64> {
    let float = || value.as_f64().filter(|it| *it >= 0.0).map(|it| it as u64);
    value.as_u64().or_else(float)
}

/// The figures of a usage object.
#[derive(Clone, Copy)]
enum Figure {
    Input,
    Output,
    Cached,
    Written,
    Reasoning,
    AudioIn,
    AudioOut,
    Total,
}

/// Which figure a field is, by the object it stands in and its name. Of several
/// that are one, the one of the lowest rank counts.
fn figure(object: &str, field: &str) -> Option<(Figure, u8)> {
    use Figure::*;
    Some(match (object, field) {
        ("", "prompt_tokens") => (Input, 0),
        ("", "input_tokens") => (Input, 1),
        ("", "completion_tokens") => (Output, 0),
        ("", "output_tokens") => (Output, 1),
        ("prompt_tokens_details", "cached_tokens") => (Cached, 0),
        ("input_tokens_details", "cached_tokens") => (Cached, 1),
        ("", "prompt_cache_hit_tokens") => (Cached, 2),
        ("", "cached_tokens") => (Cached, 3),
        ("", "num_cached_tokens") => (Cached, 4),
        ("", "cache_read_input_tokens") => (Cached, 5),
        ("prompt_tokens_details", "cache_write_tokens") => (Written, 0),
        ("prompt_tokens_details", "cache_creation_input_tokens") => (Written, 1),
        ("prompt_tokens_details", "cache_creation_tokens") => (Written, 2),
        ("input_tokens_details", "cache_write_tokens") => (Written, 3),
        ("", "cache_creation_input_tokens") => (Written, 4),
        ("completion_tokens_details", "reasoning_tokens") => (Reasoning, 0),
        ("output_tokens_details", "reasoning_tokens") => (Reasoning, 1),
        ("", "reasoning_tokens") => (Reasoning, 2),
        ("prompt_tokens_details", "audio_tokens") => (AudioIn, 0),
        ("completion_tokens_details", "audio_tokens") => (AudioOut, 0),
        ("", "total_tokens") => (Total, 0),
        _ => return None,
    })
}

/// The figures found so far, each with its rank.
type Figures = [Option<(u8, u64)>; Figure::Total as usize + 1];

fn note(figures: &mut Figures, object: &str, fields: &Map<String, Value>) {
    for (name, value) in fields {
        if let (Value::Object(inner), "") = (value, object) {
            note(figures, name, inner);
        } else if let Some((figure, rank)) = figure(object, name)
            && let Some(count) = count(value)
            && let slot = &mut figures[figure as usize]
            && slot.is_none_or(|known| rank < known.0)
        {
            *slot = Some((rank, count));
        }
    }
}

/// The usage object, of this dialect or of Responses, by core's rule.
pub(crate) fn usage(raw: Value) -> Usage {
    let mut figures = Figures::default();
    if let Value::Object(fields) = &raw {
        note(&mut figures, "", fields);
    }
    let get = |figure: Figure| figures[figure as usize].map(|it| it.1);
    let mut usage = Usage::default();
    usage.input_tokens = get(Figure::Input);
    usage.output_tokens = get(Figure::Output);
    usage.cached_input_tokens = get(Figure::Cached);
    usage.cache_write_tokens = get(Figure::Written);
    usage.reasoning_tokens = get(Figure::Reasoning);
    usage.input_audio_tokens = get(Figure::AudioIn);
    usage.output_audio_tokens = get(Figure::AudioOut);
    if let (Some(input), Some(output), Some(reasoning), Some(total)) = (
        usage.input_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        get(Figure::Total),
    ) && reasoning > 0
        && input
            .checked_add(output)
            .and_then(|it| it.checked_add(reasoning))
            == Some(total)
    {
        // The total tells that reasoning is not in the output.
        usage.output_tokens = Some(output + reasoning);
    }
    // Some hosts estimate the two apart.
    if let (Some(output), Some(reasoning)) = (usage.output_tokens, usage.reasoning_tokens) {
        usage.reasoning_tokens = Some(reasoning.min(output));
    }
    usage.raw = Some(raw);
    usage
}

/// Log probabilities: of the refusal or not, and the tokens.
pub(in super::super) fn logprobs(raw: Raw<'_>) -> Vec<(bool, Vec<TokenLogprob>)> {
    let Some(all) = raw.read::<Map<String, Value>>() else {
        return Vec::new();
    };
    let list = |key: &str| match all.get(key) {
        Some(Value::Array(list)) => list.iter().map(token).collect(),
        _ => Vec::new(),
    };
    let mut found = vec![(false, list("content")), (true, list("refusal"))];
    // The older form: parallel lists.
    if let (Some(Value::Array(tokens)), Some(Value::Array(values))) =
        (all.get("tokens"), all.get("token_logprobs"))
    {
        let pairs = tokens.iter().zip(values);
        let tokens = pairs.map(|(token, value)| {
            let token = token.as_str().unwrap_or_default();
            TokenLogprob::new(token, value.as_f64().unwrap_or(UNLIKELY))
        });
        found.push((false, tokens.collect()));
    }
    found.retain(|(_, tokens)| !tokens.is_empty());
    found
}

/// What stands for a probability too small to say.
const UNLIKELY: f64 = -9999.0;

/// A token with its log probability.
pub(crate) fn token(value: &Value) -> TokenLogprob {
    let top = match value.get("top_logprobs") {
        Some(Value::Array(list)) => list.as_slice(),
        _ => &[],
    };
    let top = top.iter().map(|value| {
        let (token, logprob, bytes) = pair(value);
        let mut top = TopLogprob::new(token, logprob);
        top.bytes = bytes;
        top
    });
    let (text, logprob, bytes) = pair(value);
    let mut token = TokenLogprob::new(text, logprob);
    token.bytes = bytes;
    token.top_logprobs = top.collect();
    token
}

fn pair(value: &Value) -> (String, f64, Option<Vec<u8>>) {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let byte = |value: &Value| u8::try_from(value.as_u64()?).ok();
    let bytes = value.get("bytes").and_then(Value::as_array);
    (
        text("token").unwrap_or_default().to_owned(),
        value
            .get("logprob")
            .and_then(Value::as_f64)
            .unwrap_or(UNLIKELY),
        bytes.and_then(|list| list.iter().map(byte).collect()),
    )
}

/// The text of a `thinking` part: a text, or a list of text parts.
pub(in super::super) fn thinking(part: &Value) -> String {
    match part.get("thinking") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => {
            let texts = list.iter().filter_map(|it| it.get("text")?.as_str());
            texts.collect()
        }
        _ => String::new(),
    }
}

/// An image that the model made.
pub(in super::super) fn image(item: &Value) -> Option<Media> {
    let inner = item.get("image_url").unwrap_or(item);
    let url = inner.as_str().or_else(|| inner.get("url")?.as_str())?;
    Some(match parse_data_url(url) {
        Some((media_type, bytes)) => {
            let mut media = Media::bytes(media_type, bytes);
            media.kind = MediaKind::Image;
            media
        }
        None => Media::url(MediaKind::Image, url),
    })
}

/// Reads an annotation into a citation and gives back what has no place there.
pub(in super::super) fn cite(citation: &mut Citation, annotation: Value) -> Option<Value> {
    let Value::Object(mut map) = annotation else {
        return Some(annotation);
    };
    let web = map.get("type").is_none_or(|it| it == "url_citation");
    let inner = match map.remove("url_citation") {
        Some(Value::Object(inner)) if web => inner,
        Some(other) => {
            map.insert("url_citation".to_owned(), other);
            return Some(map.into());
        }
        // Some hosts have the fields beside the type.
        None if map.contains_key("url") => std::mem::take(&mut map),
        None => return Some(map.into()),
    };
    let mut rest = Map::new();
    for (key, value) in inner {
        let text = || value.as_str().map(str::to_owned);
        match &*key {
            "url" => citation.url = text(),
            "title" => citation.title = text(),
            "content" => citation.quote = text(),
            "start_index" => citation.start = count(&value),
            "end_index" => citation.end = count(&value),
            "type" => {}
            _ => {
                rest.insert(key, value);
            }
        }
    }
    (!rest.is_empty()).then_some(Value::Object(rest))
}

/// Fields beside the dialect's own in which hosts tell what a search found: a
/// list, and an object with one.
pub(in super::super) const SEARCHES: [&str; 2] = ["web_search", "search_info"];

/// The pages that an answer rests on: `citations` by address, with what
/// `search_results` know of them, then the results that aren't cited.
pub(in super::super) fn sources(kept: &Kept, assembler: &Assembler) -> Vec<Part> {
    let citations: Vec<Value> = kept.read("citations").unwrap_or_default();
    let mut results: Vec<Value> = kept.read("search_results").unwrap_or_default();
    let [list, info] = SEARCHES;
    results.extend(kept.read::<Vec<Value>>(list).unwrap_or_default());
    if let Some(Value::Array(more)) = kept
        .read::<Map<String, Value>>(info)
        .and_then(|mut it| it.remove("search_results"))
    {
        results.extend(more);
    }
    let mut parts = Vec::new();
    let mut add = |item: Value| {
        let address = item.get("url").or_else(|| item.get("link"));
        let url = address.unwrap_or(&item).as_str();
        let text = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut source = Source::default();
        source.url = url.map(str::to_owned);
        source.title = text("title");
        source.snippet = text("snippet").or_else(|| text("content"));
        let modelled = ["url", "title", "snippet"];
        let more = item.as_object().is_some_and(|map| {
            let mut keys = map.iter();
            keys.any(|(key, value)| !modelled.contains(&&**key) && !value.is_null())
        });
        let part = Part::Source(source);
        parts.push(match more {
            true => part.with_native(assembler.native(item)),
            false => part,
        });
    };
    for citation in citations {
        let address = citation.get("url").unwrap_or(&citation).clone();
        let known = results
            .iter()
            .position(|it| it.get("url") == Some(&address));
        add(match known {
            Some(at) => results.remove(at),
            None => citation,
        });
    }
    results.into_iter().for_each(add);
    parts
}
