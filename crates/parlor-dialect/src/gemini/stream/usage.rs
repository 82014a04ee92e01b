//! What an answer consumed, as the chunks tell it.

use crate::fields::Json;
use crate::gemini::wire::{self, Few, ModalityCount, Scalar, UsageMetadata};
use parlor_core::Usage;
use serde_json::{Map, Value, json};

/// The last figures that a stream gave. Chunks repeat them, so they are noted
/// without an allocation and told at the first chunk and at the end.
#[derive(Debug, Default)]
pub(in super::super) struct Consumed {
    figures: Figures,
    raw: String,
    is_news: bool,
}

#[derive(Debug, Default)]
struct Figures {
    prompt: Option<u64>,
    cached: Option<u64>,
    candidates: Option<u64>,
    thoughts: Option<u64>,
    tool_use: Option<u64>,
    audio_in: Option<u64>,
    audio_out: Option<u64>,
}

impl Consumed {
    /// Whether nothing was noted yet.
    pub(super) fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Notes the figures of a chunk: of each the last one known counts.
    pub(in super::super) fn note(&mut self, raw: &str) {
        if self.raw == raw {
            return;
        }
        let read: UsageMetadata<'_> = wire::object(Json(raw));
        let figures = &mut self.figures;
        for (mine, theirs) in [
            (&mut figures.prompt, &read.prompt),
            (&mut figures.cached, &read.cached),
            (&mut figures.candidates, &read.candidates),
            (&mut figures.thoughts, &read.thoughts),
            (&mut figures.tool_use, &read.tool_use),
        ] {
            *mine = theirs.count().or(*mine);
        }
        figures.audio_in = audio(&read.prompt_details).or(figures.audio_in);
        figures.audio_out = audio(&read.candidates_details).or(figures.audio_out);
        self.raw.clear();
        self.raw.push_str(raw);
        self.is_news = true;
    }

    /// The figures, if they weren't told yet. The prompt counts what is read
    /// from a cache, and the tokens of tools that the provider ran come on top
    /// of it; thoughts come on top of the answer.
    pub(in super::super) fn take_news(&mut self) -> Option<Usage> {
        if !std::mem::take(&mut self.is_news) {
            return None;
        }
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
        };
        let figures = &self.figures;
        let mut usage = Usage::default();
        usage.input_tokens = sum(figures.prompt, figures.tool_use);
        usage.output_tokens = sum(figures.candidates, figures.thoughts);
        usage.cached_input_tokens = figures.cached;
        usage.reasoning_tokens = figures.thoughts;
        usage.input_audio_tokens = figures.audio_in;
        usage.output_audio_tokens = figures.audio_out;
        usage.raw = serde_json::from_str(&self.raw).ok();
        Some(usage)
    }
}

fn audio(details: &Few<ModalityCount<'_>>) -> Option<u64> {
    let is_audio = |it: &&ModalityCount<'_>| match &it.modality {
        Scalar::Text(word) => word == "AUDIO",
        Scalar::Count(number) => *number == 4,
        _ => false,
    };
    details.iter().find(is_audio)?.tokens.count()
}

/// Usage in the wire's words: the provider's own object where it is of this
/// wire.
pub(super) fn write(usage: &Usage) -> Value {
    if let Some(raw) = &usage.raw
        && (raw.get("promptTokenCount").is_some() || raw.get("totalTokenCount").is_some())
    {
        return raw.clone();
    }
    let mut out = Map::new();
    let mut put = |name: &str, count: Option<u64>| {
        out.extend(count.map(|count| (name.to_owned(), json!(count))));
    };
    let thoughts = usage.reasoning_tokens;
    let answer = usage
        .output_tokens
        .map(|it| it.saturating_sub(thoughts.unwrap_or(0)));
    put("promptTokenCount", usage.input_tokens);
    put("cachedContentTokenCount", usage.cached_input_tokens);
    put("candidatesTokenCount", answer);
    put("thoughtsTokenCount", thoughts);
    put("totalTokenCount", usage.total_tokens());
    let details = [
        (
            "promptTokensDetails",
            usage.input_tokens,
            usage.input_audio_tokens,
        ),
        ("candidatesTokensDetails", answer, usage.output_audio_tokens),
    ];
    for (name, all, audio) in details {
        let Some(audio) = audio else { continue };
        let text = all.unwrap_or(audio).saturating_sub(audio);
        let details = json!([
            {"modality": "TEXT", "tokenCount": text},
            {"modality": "AUDIO", "tokenCount": audio},
        ]);
        out.insert(name.to_owned(), details);
    }
    Value::Object(out)
}
