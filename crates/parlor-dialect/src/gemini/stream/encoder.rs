//! Writes a streamed answer as the chunks that the provider would send.

use super::chunk::{TextCandidate, TextChunk, TextContent, TextPart};
use super::{grounding, usage};
use crate::gemini::response::{finish_word, write_logprobs};
use crate::gemini::wire::media::write_media;
use crate::gemini::wire::part;
use crate::gemini::{NAME, error};
use crate::{Encoder, FrameWriter, json, time};
use parlor_core::{
    ArgumentsForm, Citation, Error, Event, Executor, FinishKind, Native, Part, PartKind, Result,
    Source, ToolCall,
};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;

/// Writes a streamed answer of `generateContent`.
///
/// The wire knows no part indexes, so of parts that are open at a time the
/// first goes out and the others wait for it. The first delta of a text waits
/// for what follows, since a signature must stand on the chunk with its text.
/// The end waits for the usage that comes with it.
#[derive(Debug, Default)]
pub struct GeminiEncoder {
    id: Option<String>,
    model: Option<String>,
    created: Option<String>,
    choices: Vec<ChoiceState>,
    /// Usage that goes with the next chunk.
    usage: Option<Value>,
    /// The prompt was blocked and that was told.
    blocked: bool,
    completed: bool,
    buffer: Vec<u8>,
}

#[derive(Debug, Default)]
struct ChoiceState {
    index: u32,
    /// Parts that are open or wait, in order.
    parts: VecDeque<PartState>,
    sources: Vec<Source>,
    citations: Vec<Citation>,
    /// Grounding went out in the provider's own words.
    grounded: bool,
    has_parts: bool,
    /// A call whose arguments were cut was left out.
    left_out: bool,
    finish: Option<String>,
}

#[derive(Debug)]
struct PartState {
    part: u32,
    kind: PartKind,
    /// Text that hasn't gone out.
    text: String,
    /// Whether some of its text went out.
    begun: bool,
    end: Option<End>,
}

/// What a part ended with.
#[derive(Debug, Default)]
struct End {
    content: Option<Box<Part>>,
    native: Option<Box<Native>>,
}

impl GeminiEncoder {
    /// Writes what is still held back.
    pub(in crate::gemini) fn flush(&mut self, out: &mut dyn FrameWriter) {
        if std::mem::replace(&mut self.completed, true) {
            return;
        }
        for at in 0..self.choices.len() {
            self.pump(at, true, out);
        }
        let finishes: Vec<usize> = (0..self.choices.len())
            .filter(|at| !self.blocked || self.choices[*at].has_parts)
            .collect();
        for (nth, at) in finishes.iter().enumerate() {
            let choice = &mut self.choices[*at];
            let mut candidate = json!({
                "content": {"parts": [{"text": ""}], "role": "model"},
                "index": choice.index,
            });
            if choice.left_out {
                choice.finish = Some(finish_word(&FinishKind::Length.into()).to_owned());
            }
            if let Some(word) = &choice.finish {
                candidate["finishReason"] = json!(word);
            }
            let is_ours = |native: &Native| native.origin.dialect == NAME;
            let mut ground = grounding::write(&choice.sources, &choice.citations, is_ours);
            if choice.grounded {
                ground.shift_remove("groundingMetadata");
            }
            if let Value::Object(candidate) = &mut candidate {
                candidate.extend(ground);
            }
            // The final figures go with the last end alone.
            let usage = self.usage.take_if(|_| nth + 1 < finishes.len());
            self.chunk(json!({ "candidates": [candidate] }), out);
            self.usage = self.usage.take().or(usage);
        }
        if finishes.is_empty() {
            let rest = match self.blocked {
                true => json!({}),
                false => json!({"promptFeedback": {"blockReason": "OTHER"}}),
            };
            self.chunk(rest, out);
        }
    }

    fn choice(&mut self, index: u32) -> usize {
        let at = self.choices.iter().position(|it| it.index == index);
        at.unwrap_or_else(|| {
            self.choices.push(ChoiceState {
                index,
                ..ChoiceState::default()
            });
            self.choices.len() - 1
        })
    }

    fn delta(&mut self, choice: u32, index: u32, text: &str, out: &mut dyn FrameWriter) {
        let at = self.choice(choice);
        let parts = &mut self.choices[at].parts;
        let Some(place) = parts.iter().position(|it| it.part == index) else {
            return;
        };
        let part = &mut parts[place];
        let (held, begun) = (!part.text.is_empty(), part.begun);
        if place == 0 && begun && !held {
            let thought = part.kind == PartKind::Reasoning;
            return self.text(choice, text, thought, out);
        }
        part.text.push_str(text);
        if place == 0 && held {
            self.pump(at, false, out);
        }
    }

    /// Writes what may go out of a choice; `all` is of parts that never end too.
    fn pump(&mut self, at: usize, all: bool, out: &mut dyn FrameWriter) {
        let choice = self.choices[at].index;
        while let Some(head) = self.choices[at].parts.front_mut() {
            let is_text = matches!(
                head.kind,
                PartKind::Text | PartKind::Reasoning | PartKind::Refusal
            );
            let thought = head.kind == PartKind::Reasoning;
            let end = match head.end.take() {
                Some(end) => end,
                None if all => End::default(),
                None => {
                    if is_text && !head.text.is_empty() {
                        head.begun = true;
                        let text = std::mem::take(&mut head.text);
                        self.text(choice, &text, thought, out);
                    }
                    return;
                }
            };
            let text = std::mem::take(&mut head.text);
            self.choices[at].parts.pop_front();
            match end.content {
                Some(content) => self.content(at, &content, out),
                None if is_text => {
                    let native = end.native.filter(|it| it.origin.dialect == NAME);
                    match native.map(|it| it.item) {
                        Some(Value::Object(item)) => {
                            let mut part = Map::from_iter([("text".to_owned(), json!(text))]);
                            if thought {
                                part.insert("thought".to_owned(), json!(true));
                            }
                            part.extend(item);
                            self.part(choice, Value::Object(part), out);
                        }
                        _ if text.is_empty() => {}
                        _ => self.text(choice, &text, thought, out),
                    }
                }
                None => {}
            }
        }
    }

    /// Writes a whole part.
    fn content(&mut self, at: usize, content: &Part, out: &mut dyn FrameWriter) {
        let item = content
            .native()
            .filter(|it| it.origin.dialect == NAME)
            .map(|it| &it.item);
        let part = match content {
            Part::Source(source) => return self.choices[at].sources.push(source.clone()),
            Part::Native(_) => match item {
                Some(item) => item.clone(),
                None => return,
            },
            // Clients take an object and run it.
            Part::ToolCall(call)
                if call.executor == Executor::Client
                    && call.arguments.form == ArgumentsForm::Cut =>
            {
                self.choices[at].left_out = true;
                return;
            }
            Part::ToolCall(call) if call.executor == Executor::Client => client_call(call, item),
            Part::ToolCall(call) => match item {
                Some(item) => item.clone(),
                None => part::write_provider_call(call),
            },
            Part::ToolResult(result) => match item {
                Some(item) => item.clone(),
                None => part::write_provider_result(result),
            },
            Part::Media(media) => match write_media(media) {
                Ok(part) => over(part.into(), item),
                // Bytes of an unknown type have no form here.
                Err(_) => return,
            },
            _ => return,
        };
        let choice = self.choices[at].index;
        self.part(choice, part, out);
    }

    fn part(&mut self, choice: u32, part: Value, out: &mut dyn FrameWriter) {
        let content = json!({"parts": [part], "role": "model"});
        self.chunk(
            json!({"candidates": [{"content": content, "index": choice}]}),
            out,
        );
    }

    fn text(&mut self, choice: u32, text: &str, thought: bool, out: &mut dyn FrameWriter) {
        let chunk = TextChunk {
            candidates: [TextCandidate {
                content: TextContent {
                    parts: [TextPart { text, thought }],
                    role: "model",
                },
                index: choice,
            }],
            usage: self.usage.take(),
            model: self.model.as_deref(),
            created: self.created.as_deref(),
            id: self.id.as_deref(),
        };
        self.buffer.clear();
        if serde_json::to_writer(&mut self.buffer, &chunk).is_ok() {
            out.frame(None, &self.buffer);
        }
    }

    /// Writes a chunk with what every chunk has.
    fn chunk(&mut self, mut chunk: Value, out: &mut dyn FrameWriter) {
        let fields = [
            ("usageMetadata", self.usage.take()),
            ("modelVersion", self.model.as_deref().map(Value::from)),
            ("createTime", self.created.as_deref().map(Value::from)),
            ("responseId", self.id.as_deref().map(Value::from)),
        ];
        if let Value::Object(chunk) = &mut chunk {
            for (name, value) in fields {
                chunk.extend(value.map(|value| (name.to_owned(), value)));
            }
        }
        self.buffer.clear();
        if serde_json::to_writer(&mut self.buffer, &chunk).is_ok() {
            out.frame(None, &self.buffer);
        }
    }

    /// What the provider said in its own words goes out in them.
    fn unknown(&mut self, native: &Native, out: &mut dyn FrameWriter) {
        if native.origin.dialect != NAME || !native.item.is_object() {
            return;
        }
        self.blocked |= native.item["promptFeedback"]["blockReason"].is_string();
        for candidate in native.item["candidates"].as_array().into_iter().flatten() {
            let index = candidate["index"].as_u64().unwrap_or(0);
            if candidate.get("groundingMetadata").is_some() {
                let at = self.choice(u32::try_from(index).unwrap_or(u32::MAX));
                self.choices[at].grounded = true;
            }
        }
        self.chunk(native.item.clone(), out);
    }
}

#[cfg(feature = "server")]
impl Encoder for GeminiEncoder {
    fn encode(&mut self, event: &Event, out: &mut dyn FrameWriter) -> Result<()> {
        match event {
            Event::TextDelta { choice, part, text }
            | Event::ReasoningDelta { choice, part, text } => {
                self.delta(*choice, *part, text, out);
            }
            Event::Started {
                id, model, created, ..
            } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
                self.created = created.map(time::rfc3339);
            }
            Event::PartStarted {
                choice, part, kind, ..
            } => {
                let at = self.choice(*choice);
                self.choices[at].has_parts = true;
                self.choices[at].parts.push_back(PartState {
                    part: *part,
                    kind: *kind,
                    text: String::new(),
                    begun: false,
                    end: None,
                });
            }
            Event::PartFinished {
                choice,
                part,
                content,
                native,
                ..
            } => {
                let at = self.choice(*choice);
                let mut parts = self.choices[at].parts.iter_mut();
                if let Some(state) = parts.find(|it| it.part == *part) {
                    state.end = Some(End {
                        content: content.clone(),
                        native: native.clone(),
                    });
                    self.pump(at, false, out);
                }
            }
            Event::Citation {
                choice, citation, ..
            } => {
                let at = self.choice(*choice);
                self.choices[at].citations.push((**citation).clone());
            }
            Event::Logprobs { choice, tokens, .. } => {
                let result = write_logprobs(tokens);
                let candidate = json!({"index": choice, "logprobsResult": result});
                self.chunk(json!({ "candidates": [candidate] }), out);
            }
            Event::Usage { usage } => self.usage = Some(usage::write(usage)),
            Event::Unknown { native } => self.unknown(native, out),
            Event::Finished { choice, reason, .. } => {
                let at = self.choice(*choice);
                self.pump(at, true, out);
                self.choices[at].finish = Some(finish_word(reason).to_owned());
            }
            Event::Completed { usage, .. } => {
                if let Some(usage) = usage {
                    self.usage = Some(usage::write(usage));
                }
                self.flush(out);
            }
            // Arguments go with the whole call, and a warning is for the
            // program that called.
            _ => {}
        }
        Ok(())
    }

    fn idle(&mut self, out: &mut dyn FrameWriter) {
        for at in 0..self.choices.len() {
            self.pump(at, false, out);
        }
    }

    fn fail(&mut self, error: &Error, out: &mut dyn FrameWriter) {
        if std::mem::replace(&mut self.completed, true) {
            return;
        }
        for at in 0..self.choices.len() {
            self.pump(at, true, out);
        }
        let (_, body) = error::write(error);
        out.frame(None, body.to_string().as_bytes());
    }
}

/// A call of the client's. Its id goes too, unless the call came from here and
/// without one.
fn client_call(call: &ToolCall, item: Option<&Value>) -> Value {
    let args = call
        .arguments
        .parse()
        .ok()
        .filter(Value::is_object)
        .unwrap_or_else(|| json!({ "input": call.arguments.text }));
    let mut function = json!({"name": call.name, "args": args});
    if item.is_none() {
        function["id"] = json!(call.id);
    }
    over(json!({ "functionCall": function }), item)
}

/// A part with its native item merged over it.
fn over(mut part: Value, item: Option<&Value>) -> Value {
    if let (Value::Object(part), Some(Value::Object(item))) = (&mut part, item) {
        json::merge(part, item);
    }
    part
}
