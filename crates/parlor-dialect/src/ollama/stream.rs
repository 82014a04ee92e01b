//! Streamed answers, in both directions.

mod encoder;

pub use encoder::OllamaEncoder;

use super::request::{image_part, read_call};
use super::response::{finish_reason, read_logprobs, split_usage};
use super::wire::{Line, LineMessage, Rest};
use super::{NAME, error};
use crate::assemble::{Assembler, ToolFragment};
use crate::dialect::{Decoder, Frame, Target};
use crate::fields;
use crate::fields::Json;
use crate::template::{Single, Template};
use crate::think::{ThinkPiece, ThinkSplitter};
use crate::{json, time};
use parlor_core::{Error, Event, PartKind, Result, Usage};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// The most unknown fields that are told of one answer.
pub(super) const MAX_UNKNOWN: usize = 64;

/// Reads the lines of a streamed answer.
#[derive(Debug)]
pub struct OllamaDecoder {
    assembler: Assembler,
    splitter: Option<ThinkSplitter>,
    /// Names of unknown fields that were told; each is told once.
    told: Vec<String>,
    /// Whether any line spoke of the end at all.
    speaks_of_end: bool,
    failed: bool,
    template: Template<PartKind>,
    /// Takes a text that has escapes.
    scratch: String,
}

impl OllamaDecoder {
    pub(super) fn new(target: &Target<'_>) -> Self {
        Self {
            assembler: Assembler::new(target.origin(NAME)),
            splitter: ThinkSplitter::of(target.profile),
            told: Vec::new(),
            speaks_of_end: false,
            failed: false,
            template: Template::default(),
            scratch: String::new(),
        }
    }

    /// Takes note of the end of a whole answer, which needn't say `done`.
    pub(super) fn finish_whole(&mut self, events: &mut VecDeque<Event>) -> Result<()> {
        if !self.speaks_of_end && self.assembler.has_content() && !self.failed {
            return self.end("", Usage::default(), events);
        }
        self.finish(events)
    }

    fn line(&mut self, line: Line<'_>, out: &mut VecDeque<Event>) -> Result<()> {
        if !self.assembler.has_content() {
            let created = time::unix_seconds(&line.created_at);
            self.assembler.start(None, Some(&line.model), created);
        }
        self.message(line.message, out)?;
        if !line.logprobs.is_empty() {
            let tokens = read_logprobs(line.logprobs);
            self.assembler.logprobs(0, false, tokens, out)?;
        }
        self.speaks_of_end |= line.done.is_some();
        let is_last = line.done == Some(true);
        if line.rest.is_empty() && !is_last {
            return Ok(());
        }
        let (usage, unknown) = split_usage(line.rest);
        self.unknown(unknown, None, out);
        match is_last {
            true => self.end(&line.done_reason, usage, out),
            false => {
                self.assembler.usage(usage, out);
                Ok(())
            }
        }
    }

    fn message(&mut self, message: LineMessage<'_>, out: &mut VecDeque<Event>) -> Result<()> {
        if !message.thinking.is_empty() {
            self.say(PartKind::Reasoning, &message.thinking, out)?;
        }
        if !message.content.is_empty() {
            self.say(PartKind::Text, &message.content, out)?;
        }
        if !message.images.is_empty() || !message.tool_calls.is_empty() {
            self.end_text(out)?;
        }
        for image in &message.images {
            let media =
                image_part(image).map_err(|error| Error::decode(error.message().to_owned()))?;
            self.assembler.part(0, media.into(), out)?;
        }
        for call in message.tool_calls {
            // Calls come whole, so index and repeated ids tell nothing.
            let (call, leftovers) = read_call(call);
            let fragment = ToolFragment {
                id: &call.id,
                name: &call.name,
                arguments: &call.arguments.text,
                ..ToolFragment::default()
            };
            let slot = self.assembler.call(0, fragment, out)?;
            if let Some(leftovers) = leftovers {
                self.assembler.call_native(0, slot, leftovers.into());
            }
            self.assembler.close_call(0, slot, out);
        }
        self.unknown(message.rest, Some("message"), out);
        Ok(())
    }

    fn say(&mut self, kind: PartKind, text: &str, out: &mut VecDeque<Event>) -> Result<()> {
        let assembler = &mut self.assembler;
        match (kind, &mut self.splitter) {
            (PartKind::Reasoning, _) => assembler.reasoning(0, text, out),
            (_, Some(splitter)) => splitter.push(text, |piece| tell(assembler, piece, out)),
            (_, None) => tell(assembler, ThinkPiece::Answer(text), out),
        }
    }

    /// Tells of fields that core doesn't model, each once.
    fn unknown(&mut self, fields: Rest<'_>, within: Option<&str>, out: &mut VecDeque<Event>) {
        for (key, value) in fields {
            let name = format!("{}.{}", within.unwrap_or_default(), &*key);
            if self.told.len() >= MAX_UNKNOWN || self.told.contains(&name) {
                continue;
            }
            self.told.push(name);
            let mut item = json!({ &*key: read_value(value) });
            if let Some(within) = within {
                item = json!({ within: item });
            }
            self.assembler.unknown(item, out);
        }
    }

    /// What was held back is no tag, and what is thought is thought.
    fn end_text(&mut self, out: &mut VecDeque<Event>) -> Result<()> {
        let assembler = &mut self.assembler;
        if let Some(splitter) = &mut self.splitter {
            splitter.finish(|piece| tell(assembler, piece, out))?;
        }
        end_thinking(assembler, out)
    }

    fn end(&mut self, reason: &str, usage: Usage, out: &mut VecDeque<Event>) -> Result<()> {
        self.end_text(out)?;
        self.assembler.usage(usage, out);
        self.assembler.finish(0, finish_reason(reason), out)?;
        self.assembler.complete(out)
    }

    fn read(
        &mut self,
        frame: &Frame<'_>,
        scratch: &mut String,
        events: &mut VecDeque<Event>,
    ) -> Result<()> {
        if let Some(single) = self.template.fill(frame, scratch) {
            return self.say(single.place, single.text, events);
        }
        let data = frame.data.trim_ascii();
        if data.is_empty() || data.starts_with(b":") {
            return Ok(());
        }
        let mut line = Line::default();
        let failed = match fields::read_repaired(data, scratch, &mut line) {
            Ok(()) if line.error.is_none_or(|it| it.get() == "\"\"") => {
                let single = single(&line);
                self.line(line, events)?;
                if let Some(single) = single
                    && self.assembler.has_content()
                {
                    self.template.learn(frame, &single);
                }
                return Ok(());
            }
            Ok(_) => None,
            Err(error) => Some(error),
        };
        let mut scratch = String::new();
        let error = match (json::read::<Value>(data, &mut scratch), failed) {
            (Ok(value), None) => error::of_value(&value, None),
            (Ok(value), _) if error::is_report(&value) => error::of_value(&value, None),
            (Err(error), _) | (_, Some(error)) => {
                Error::decode(format!("a line of the answer can't be read: {error}"))
            }
        };
        Err(error.with_body(data))
    }
}

impl Decoder for OllamaDecoder {
    fn decode(&mut self, frame: Frame<'_>, events: &mut VecDeque<Event>) -> Result<()> {
        if self.failed || self.assembler.is_completed() {
            return Ok(());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let outcome = self.read(&frame, &mut scratch, events);
        self.scratch = scratch;
        self.failed = outcome.is_err();
        outcome
    }

    fn is_over(&self) -> bool {
        self.assembler.is_completed()
    }

    fn finish(&mut self, _: &mut VecDeque<Event>) -> Result<()> {
        match self.failed || self.assembler.is_completed() {
            true => Ok(()),
            false => Err(Error::truncated()),
        }
    }
}

/// What a line says that says a single text: unknown fields are told once, and
/// the time is that of the first line.
fn single<'a>(line: &Line<'a>) -> Option<Single<'a, PartKind>> {
    let Line {
        model: _,
        created_at,
        message,
        done,
        done_reason: _,
        logprobs,
        error,
        rest: _,
    } = line;
    let LineMessage {
        content,
        thinking,
        images,
        tool_calls,
        rest: _,
    } = message;
    if *done == Some(true)
        || !logprobs.is_empty()
        || error.is_some()
        || !images.is_empty()
        || !tool_calls.is_empty()
    {
        return None;
    }
    let (kind, text) = match (content.is_empty(), thinking.is_empty()) {
        (false, true) => (PartKind::Text, content),
        (true, false) => (PartKind::Reasoning, thinking),
        _ => return None,
    };
    let mut single = Single::new(kind, text.borrowed()?);
    single.idle[0] = created_at.borrowed().unwrap_or_default();
    Some(single)
}

fn tell(assembler: &mut Assembler, piece: ThinkPiece<'_>, out: &mut VecDeque<Event>) -> Result<()> {
    match piece {
        ThinkPiece::Thought(text) => assembler.reasoning(0, text, out),
        ThinkPiece::Answer(text) => {
            end_thinking(assembler, out)?;
            assembler.text(0, text, out)
        }
    }
}

/// Ends thoughts with the mark that lets them go back where they came from.
fn end_thinking(assembler: &mut Assembler, out: &mut VecDeque<Event>) -> Result<()> {
    match assembler.current(0) {
        Some((_, PartKind::Reasoning)) => assembler.seal(0, Some(json!({})), out),
        _ => Ok(()),
    }
}

pub(super) fn read_value(raw: Json<'_>) -> Value {
    // Most of what is read so is a count.
    if let Ok(count) = raw.get().parse::<u64>() {
        return count.into();
    }
    serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().into())
}
