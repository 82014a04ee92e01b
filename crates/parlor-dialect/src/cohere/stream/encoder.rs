//! Writes the events of a streamed answer.

use super::super::error;
use super::super::response::write::{
    beyond, call_object, citation, own, reason_word, thinking_item, usage_object,
};
use super::super::wire::{Object, kind_of, text_block};
use super::frames::{Arguments, Calls, Content, Frames, Function, Text, Thinking};
use crate::dialect::{Encoder, FrameWriter};
use crate::sequence::Sequence;
use parlor_core::{
    ArgumentsForm, CallHead, Error, Event, Executor, FinishReason, Native, Part, PartKind, Result,
    ToolCall, Usage,
};
use serde_json::{Value, json};

/// Writes the events of a streamed answer.
///
/// Clients want one thing after the other, each piece inside its own; parts
/// begun while another is open wait for their turn. Only the first choice is
/// written. Parts that the dialect can't say (media, sources, what another
/// dialect's provider ran itself) are left out.
#[derive(Debug, Default)]
pub struct CohereEncoder {
    sequence: Sequence,
    state: State,
}

/// What was written so far.
#[derive(Debug, Default)]
struct State {
    frames: Frames,
    ended: bool,
    form: Form,
    /// Whether anything of the part was written.
    opened: bool,
    /// How much of a call's arguments was written.
    written: usize,
    /// The part's text, which citations of other origins quote.
    text: String,
    usage: Usage,
    reason: Option<FinishReason>,
    beyond: Object,
}

/// What a part is written as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Form {
    Text,
    Thinking,
    Call,
    /// Known only when it is whole.
    #[default]
    Whole,
}

impl State {
    fn start(
        &mut self,
        kind: PartKind,
        call: Option<&CallHead>,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        self.frames.begin(out)?;
        let by_pieces =
            |it: &&CallHead| it.executor == Executor::Client && it.form == ArgumentsForm::Json;
        let call = call.filter(by_pieces);
        self.form = match (kind, call) {
            (PartKind::Text | PartKind::Refusal, _) => Form::Text,
            (PartKind::Reasoning, _) => Form::Thinking,
            (PartKind::ToolCall, Some(_)) => Form::Call,
            _ => Form::Whole,
        };
        (self.opened, self.written) = (false, 0);
        self.text.clear();
        let Some(head) = call else { return Ok(()) };
        self.opened = true;
        let call = ToolCall::new(&head.id, &head.name, parlor_core::Arguments::default());
        let mut tool_calls = call_object(&call, None);
        if let Some(Value::Object(function)) = tool_calls.get_mut("function") {
            function.insert("arguments".to_owned(), "".into());
        }
        let index = self.frames.calls;
        self.frames
            .add("tool-call-start", index, Calls { tool_calls }, out)
    }

    /// Begins the item of the part, if that wasn't done.
    fn open(&mut self, out: &mut dyn FrameWriter) -> Result<()> {
        if std::mem::replace(&mut self.opened, true) {
            return Ok(());
        }
        let content = match self.form {
            Form::Text => text_block(""),
            Form::Thinking => thinking_item(""),
            Form::Call | Form::Whole => return Ok(()),
        };
        self.frames.content_start(content, out)
    }

    /// More of the part.
    fn more(&mut self, text: &str, out: &mut dyn FrameWriter) -> Result<()> {
        self.open(out)?;
        let kind = "content-delta";
        let index = self.frames.content;
        match self.form {
            Form::Text => {
                self.text.push_str(text);
                let content = Text { text };
                self.frames.add(kind, index, Content { content }, out)
            }
            Form::Thinking => {
                let content = Thinking { thinking: text };
                self.frames.add(kind, index, Content { content }, out)
            }
            Form::Call => {
                self.written += text.len();
                let function = Arguments { arguments: text };
                let tool_calls = Function { function };
                let (kind, index) = ("tool-call-delta", self.frames.calls);
                self.frames.add(kind, index, Calls { tool_calls }, out)
            }
            Form::Whole => Ok(()),
        }
    }

    fn end(
        &mut self,
        content: Option<&Part>,
        native: Option<&Native>,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        match (self.form, content) {
            (Form::Call, content) => {
                // The deltas are for display; this is what counts.
                if let Some(Part::ToolCall(call)) = content
                    && let Some(rest) = call.arguments.text.get(self.written..)
                    && !rest.is_empty()
                {
                    self.more(rest, out)?;
                }
                self.frames.end_call(out)
            }
            (Form::Whole, Some(part)) => self.frames.whole(part, out),
            (Form::Whole, None) => Ok(()),
            (Form::Thinking, _) if !self.opened => {
                // What the item says beside its text is in how it begins.
                let mut content = thinking_item("");
                content.extend(own(native).cloned().unwrap_or_default());
                self.frames.content_start(content, out)?;
                self.frames.end_content(out)
            }
            (Form::Text, _) if !self.opened => Ok(()),
            _ => self.frames.end_content(out),
        }
    }

    fn complete(&mut self, out: &mut dyn FrameWriter) -> Result<()> {
        self.frames.begin(out)?;
        let mut rest = std::mem::take(&mut self.beyond);
        let mut message = match rest.shift_remove("message") {
            Some(Value::Object(message)) => message,
            _ => Object::new(),
        };
        if let Some(Value::Array(citations)) = message.shift_remove("citations") {
            for citation in citations {
                self.frames.citation(citation, out)?;
            }
        }
        let mut delta = Object::new();
        let reason = self.reason.as_ref().map_or("COMPLETE", reason_word);
        delta.insert("finish_reason".to_owned(), reason.into());
        if !self.usage.is_empty() {
            let usage = usage_object(&self.usage);
            delta.insert("usage".to_owned(), Value::Object(usage));
        }
        if !message.is_empty() {
            delta.insert("message".to_owned(), Value::Object(message));
        }
        let kind = "message-end";
        let mut data = Object::from_iter([("type".to_owned(), kind.into())]);
        data.insert("delta".to_owned(), Value::Object(delta));
        data.append(&mut rest);
        self.ended = true;
        self.frames.frame(kind, &data, out)
    }

    /// What this dialect's provider said beyond core: an event again, or a part
    /// of the last.
    fn unknown(&mut self, native: &Native, out: &mut dyn FrameWriter) -> Result<()> {
        match own(Some(native)) {
            Some(item) if !kind_of(item).is_empty() => {
                self.frames.begin(out)?;
                self.frames.frame(kind_of(item), item, out)
            }
            _ => {
                beyond(native, &mut self.beyond);
                Ok(())
            }
        }
    }

    fn event(&mut self, event: &Event, out: &mut dyn FrameWriter) -> Result<()> {
        match event {
            Event::Started { id, .. } => {
                self.frames.id.clone_from(id);
                Ok(())
            }
            Event::PartStarted { kind, call, .. } => self.start(*kind, call.as_deref(), out),
            Event::TextDelta { text, .. }
            | Event::ReasoningDelta { text, .. }
            | Event::ArgumentsDelta { text, .. } => self.more(text, out),
            Event::Citation { citation: it, .. } => {
                self.open(out)?;
                let item = citation(it, &self.text, u64::from(self.frames.content));
                self.frames.citation(item, out)
            }
            Event::PartFinished {
                content, native, ..
            } => self.end(content.as_deref(), native.as_deref(), out),
            Event::Logprobs { tokens, .. } => {
                self.frames.begin(out)?;
                self.frames.logprobs(tokens, out)
            }
            Event::Usage { usage } => {
                self.usage.merge(usage);
                Ok(())
            }
            Event::Unknown { native } => self.unknown(native, out),
            Event::Finished { reason, .. } => {
                self.reason = Some(reason.clone());
                Ok(())
            }
            Event::Completed { usage, .. } => {
                if let Some(usage) = usage {
                    self.usage.merge(usage);
                }
                self.complete(out)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(feature = "server")]
impl Encoder for CohereEncoder {
    fn encode(&mut self, event: &Event, out: &mut dyn FrameWriter) -> Result<()> {
        let state = &mut self.state;
        match state.ended {
            true => Ok(()),
            false => self.sequence.push(event, |event| state.event(event, out)),
        }
    }

    fn fail(&mut self, error: &Error, out: &mut dyn FrameWriter) {
        if self.state.ended {
            return;
        }
        self.state.ended = true;
        let kind = "message-end";
        let delta = json!({ "finish_reason": "ERROR", "error": error::telling(error) });
        let data = json!({ "type": kind, "delta": delta });
        // Writing JSON to memory doesn't fail.
        let _ = self.state.frames.frame(kind, &data, out);
    }
}
