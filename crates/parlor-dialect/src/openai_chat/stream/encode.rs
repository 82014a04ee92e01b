//! From events to chunks.

use super::super::error;
use super::super::response::{
    Sources, annotation, fields_of, finish_word, legacy, media, own, said, tokens, unknown,
    write_usage,
};
use super::chunk::{Call, ChoiceState, Chunk, ChunkChoice, Delta, OpenPart, call};
use crate::dialect::{Encoder, FrameWriter};
use parlor_core::{
    ArgumentsForm, CallHead, Error, ErrorKind, Event, Executor, Part, PartKind, Reasoning, Result,
};
use serde_json::{Map, Value, json};

/// Writes a streamed answer as chunks, ended by usage and `[DONE]`.
///
/// What the dialect's clients can't read is left out: warnings, provider-run
/// tools of other dialects, boundaries between texts.
#[derive(Debug, Default)]
pub struct ChatEncoder {
    id: String,
    model: String,
    created: u64,
    without_usage: bool,
    choices: Vec<ChoiceState>,
    parts: Vec<OpenPart>,
    sources: Sources,
    /// Fields that core doesn't model, for the last chunk.
    rest: Map<String, Value>,
    buffer: Vec<u8>,
}

impl ChatEncoder {
    /// The same without the chunk of usage at the end, for clients that
    /// didn't ask for it: it has no choices, which not all of them expect.
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.without_usage = true;
        self
    }

    fn write(
        &mut self,
        choices: &[ChunkChoice<'_>],
        rest: Option<&Map<String, Value>>,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let chunk = Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            choices,
            rest,
        };
        let written = serde_json::to_writer(&mut buffer, &chunk);
        if written.is_ok() {
            out.frame(None, &buffer);
        }
        self.buffer = buffer;
        written.map_err(|error| {
            Error::new(
                ErrorKind::Unexpected,
                format!("a chunk can't be written: {error}"),
            )
        })
    }

    /// Writes a piece of a choice's message.
    fn delta(
        &mut self,
        choice: u32,
        mut delta: Delta<'_>,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        let state = self.choice(choice);
        if !state.begun {
            state.begun = true;
            delta.role = Some("assistant");
        }
        let choice = ChunkChoice {
            index: choice,
            delta,
            ..ChunkChoice::default()
        };
        self.write(&[choice], None, out)
    }

    fn fields(
        &mut self,
        choice: u32,
        fields: &Map<String, Value>,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        if fields.is_empty() {
            return Ok(());
        }
        let delta = Delta {
            rest: Some(fields),
            ..Delta::default()
        };
        self.delta(choice, delta, out)
    }

    fn choice(&mut self, index: u32) -> &mut ChoiceState {
        let found = self.choices.iter().position(|it| it.index == index);
        let at = found.unwrap_or_else(|| {
            self.choices.push(ChoiceState {
                index,
                begun: false,
                calls: 0,
            });
            self.choices.len() - 1
        });
        &mut self.choices[at]
    }

    fn open(
        &mut self,
        choice: u32,
        part: u32,
        kind: PartKind,
        head: Option<&CallHead>,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        let mut opened = OpenPart {
            choice,
            part,
            kind,
            call: None,
            form: ArgumentsForm::Json,
            spoke: false,
        };
        if let Some(head) = head.filter(|it| it.executor == Executor::Client) {
            let state = self.choice(choice);
            let index = state.calls;
            state.calls += 1;
            opened.call = Some(index);
            opened.form = head.form;
            let call = Call {
                id: Some(&head.id),
                ..call(index, head.form, Some(&head.name), "")
            };
            let delta = Delta {
                tool_calls: Some([call]),
                ..Delta::default()
            };
            self.delta(choice, delta, out)?;
        }
        self.parts.push(opened);
        Ok(())
    }

    /// The open part of this index, which has now spoken.
    fn spoke(&mut self, choice: u32, part: u32) -> Option<(PartKind, Option<u32>, ArgumentsForm)> {
        let mut open = self.parts.iter_mut().rev();
        let open = open.find(|it| (it.choice, it.part) == (choice, part))?;
        open.spoke = true;
        Some((open.kind, open.call, open.form))
    }

    fn close(
        &mut self,
        choice: u32,
        part: u32,
        content: &Part,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        let found = self
            .parts
            .iter()
            .rposition(|it| (it.choice, it.part) == (choice, part));
        let Some(open) = found.map(|at| self.parts.swap_remove(at)) else {
            return Ok(());
        };
        let mut fields = Map::new();
        match content {
            Part::ToolCall(whole) => {
                if let Some(index) = open.call {
                    return self.close_call(choice, index, whole, open.spoke, out);
                }
                fields_of(content, &mut fields);
            }
            Part::Media(it) => {
                media(&mut fields, it);
                fields_of(content, &mut fields);
            }
            Part::Source(it) => self.sources.push(it),
            Part::Native(it) => {
                if let Some(item) = own(Some(it)) {
                    fields.insert("content".to_owned(), json!([item]));
                }
            }
            Part::Reasoning(_) => {
                fields_of(content, &mut fields);
                if let Some(Value::Object(mut thinking)) = fields.remove("thinking") {
                    thinking.insert("type".to_owned(), "thinking".into());
                    thinking.insert("thinking".to_owned(), json!([]));
                    fields.insert("content".to_owned(), json!([thinking]));
                }
            }
            _ => {}
        }
        self.fields(choice, &fields, out)
    }

    /// What is left to say of a call: arguments that came whole, and the
    /// host's own fields.
    fn close_call(
        &mut self,
        choice: u32,
        index: u32,
        whole: &parlor_core::ToolCall,
        spoke: bool,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        let arguments = &whole.arguments;
        let rest = match own(whole.native.as_deref()) {
            Some(Value::Object(item)) if !legacy(whole) => Some(item),
            _ => None,
        };
        let text = if spoke { "" } else { said(arguments) };
        if rest.is_none() && text.is_empty() {
            return Ok(());
        }
        let mut piece = match text {
            "" => Call {
                index,
                ..Call::default()
            },
            text => call(index, arguments.form, None, text),
        };
        piece.rest = rest;
        let delta = Delta {
            tool_calls: Some([piece]),
            ..Delta::default()
        };
        self.delta(choice, delta, out)
    }
}

#[cfg(feature = "server")]
impl Encoder for ChatEncoder {
    fn encode(&mut self, event: &Event, out: &mut dyn FrameWriter) -> Result<()> {
        match event {
            Event::Started {
                id, model, created, ..
            } => {
                self.id = id.clone().unwrap_or_default();
                self.model = model.clone().unwrap_or_default();
                self.created = created.unwrap_or_default();
                Ok(())
            }
            Event::PartStarted {
                choice,
                part,
                kind,
                call,
                ..
            } => self.open(*choice, *part, *kind, call.as_deref(), out),
            Event::TextDelta { choice, part, text } => {
                let refusal = matches!(self.spoke(*choice, *part), Some((PartKind::Refusal, ..)));
                let delta = match refusal {
                    true => Delta {
                        refusal: Some(text),
                        ..Delta::default()
                    },
                    false => Delta {
                        content: Some(text),
                        ..Delta::default()
                    },
                };
                self.delta(*choice, delta, out)
            }
            Event::ReasoningDelta { choice, part, text } => {
                self.spoke(*choice, *part);
                let delta = Delta {
                    reasoning_content: Some(text),
                    ..Delta::default()
                };
                self.delta(*choice, delta, out)
            }
            Event::ArgumentsDelta { text, .. } if text.is_empty() => Ok(()),
            Event::ArgumentsDelta { choice, part, text } => {
                let Some((_, Some(index), form)) = self.spoke(*choice, *part) else {
                    return Ok(());
                };
                let delta = Delta {
                    tool_calls: Some([call(index, form, None, text)]),
                    ..Delta::default()
                };
                self.delta(*choice, delta, out)
            }
            Event::Citation {
                choice, citation, ..
            } => {
                let mut fields = Map::new();
                fields.insert("annotations".to_owned(), json!([annotation(citation)]));
                self.fields(*choice, &fields, out)
            }
            Event::PartFinished {
                choice,
                part,
                content: Some(content),
                ..
            } => self.close(*choice, *part, content, out),
            Event::PartFinished {
                choice,
                part,
                content: None,
                native,
                ..
            } => {
                let mut content = Part::text("");
                if let Some(native) = native.as_deref() {
                    content = Part::Reasoning(Reasoning::new("")).with_native(native.clone());
                }
                self.close(*choice, *part, &content, out)
            }
            Event::Logprobs {
                choice,
                refusal,
                tokens: list,
            } => {
                let field = if *refusal { "refusal" } else { "content" };
                let choice = ChunkChoice {
                    index: *choice,
                    logprobs: Some(json!({ field: tokens(list) })),
                    ..ChunkChoice::default()
                };
                self.write(&[choice], None, out)
            }
            Event::Unknown { native } => {
                if let Some(Value::Object(item)) = own(Some(native)) {
                    let empty = || Value::Array(Vec::new());
                    self.rest.entry("choices").or_insert_with(empty);
                    unknown(&mut self.rest, item, "delta");
                }
                Ok(())
            }
            Event::Finished { choice, reason, .. } => {
                let sources = std::mem::take(&mut self.sources).into_fields();
                let mut delta = Delta::default();
                let state = self.choice(*choice);
                if !state.begun {
                    state.begun = true;
                    delta.role = Some("assistant");
                }
                let choice = ChunkChoice {
                    index: *choice,
                    delta,
                    logprobs: None,
                    finish_reason: Some(finish_word(reason)),
                };
                self.write(&[choice], Some(&sources), out)
            }
            Event::Completed { usage, .. } => {
                let mut rest = std::mem::take(&mut self.rest);
                let usage = usage.as_deref().filter(|_| !self.without_usage);
                if let Some(usage) = usage.and_then(write_usage) {
                    rest.insert("usage".to_owned(), usage);
                }
                if !rest.is_empty() {
                    self.last(rest, out)?;
                }
                out.frame(None, b"[DONE]");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn fail(&mut self, error: &Error, out: &mut dyn FrameWriter) {
        let (_, body) = error::body(error);
        out.frame(None, body.to_string().as_bytes());
    }
}

impl ChatEncoder {
    /// The last chunk: usage and what core doesn't model.
    fn last(&mut self, mut rest: Map<String, Value>, out: &mut dyn FrameWriter) -> Result<()> {
        for (key, value) in [
            ("id", Value::from(self.id.as_str())),
            ("object", "chat.completion.chunk".into()),
            ("created", self.created.into()),
            ("model", self.model.as_str().into()),
        ] {
            rest.insert(key.to_owned(), value);
        }
        let empty = || Value::Array(Vec::new());
        rest.entry("choices").or_insert_with(empty);
        out.frame(None, Value::Object(rest).to_string().as_bytes());
        Ok(())
    }
}
