//! What a message, or a piece of one, says.

use super::super::response;
use super::super::wire::{Call, Delta};
use super::decode::ChatDecoder;
use super::reasoning::texts;
use super::state::Kept;
use super::tools::BUNDLE;
use crate::assemble::ToolFragment;
use crate::think::ThinkPiece;
use parlor_core::{ArgumentsForm, Citation, Event, Executor, Part, PartKind, Result};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;

/// The index of a call in the deprecated `function_call`, of which a message
/// has at most one.
const LEGACY_CALL: u64 = u64::MAX;

impl ChatDecoder {
    pub(super) fn delta(
        &mut self,
        at: usize,
        delta: &Delta<'_>,
        whole: bool,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let index = self.choices[at].index;
        // Some hosts say the same thoughts in several fields.
        let thoughts = [
            &delta.reasoning_content,
            &delta.reasoning,
            &delta.reasoning_text,
        ];
        match thoughts.into_iter().find(|text| !text.is_empty()) {
            Some(text) => {
                self.choices[at].plain_thoughts = true;
                self.thought(at, text, out)?;
            }
            None if !self.choices[at].plain_thoughts => {
                self.thought(at, &texts(delta.reasoning_details), out)?;
            }
            None => {}
        }
        self.choices[at].details.take_from(delta);
        self.text(at, &delta.content.text, out)?;
        for part in &delta.content.parts {
            if let Ok(part) = serde_json::from_str::<Value>(part.get()) {
                self.content_part(at, part, out)?;
            }
        }
        for citation in delta.annotations.read::<Vec<Value>>().unwrap_or_default() {
            self.cite(at, citation, out)?;
        }
        self.refusal(at, &delta.refusal, out)?;
        for image in delta.images.read::<Vec<Value>>().unwrap_or_default() {
            if let Some(media) = response::image(&image) {
                self.part(at, media.into(), out)?;
            }
        }
        if let Some(piece) = delta.audio.read::<Map<String, Value>>() {
            let says = |value: &Value| value.as_str().is_none_or(|text| !text.is_empty());
            if piece
                .iter()
                .any(|(key, value)| key != "expires_at" && says(value))
            {
                let audio = &mut self.choices[at].audio;
                audio.get_or_insert_default().take(piece);
            }
        }
        for (position, call) in (0..).zip(delta.tool_calls.iter()) {
            let place = if whole { Some(position) } else { call.index.0 };
            self.call(at, place, call, out)?;
        }
        if let Some(function) = delta.function_call.as_ref().filter(|it| !it.is_empty()) {
            let fragment = ToolFragment {
                index: Some(LEGACY_CALL),
                name: &function.name,
                arguments: &function.text(),
                ..ToolFragment::default()
            };
            self.settle(at, out)?;
            let slot = self.assembler.call(index, fragment, out)?;
            let item = json!({"type": "function_call"});
            self.assembler.call_native(index, slot, item);
        }
        self.message_extras(at, delta, out)?;
        self.choices[at].spoke |= self.assembler.has_content();
        Ok(())
    }

    fn message_extras(
        &mut self,
        at: usize,
        delta: &Delta<'_>,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        if delta.extras.is_empty() {
            return Ok(());
        }
        for (name, raw) in delta.extras.iter() {
            match (&**name, raw.said()) {
                ("executed_tools", Some(_)) => {
                    for item in raw.read::<Vec<Value>>().unwrap_or_default() {
                        for part in self.choices[at].executed.take(item, &self.assembler) {
                            self.part(at, part, out)?;
                        }
                    }
                }
                (name, Some(json)) => self.choices[at].message_extras.set(name, json),
                (_, None) => {}
            }
        }
        Ok(())
    }

    fn call(
        &mut self,
        at: usize,
        place: Option<u64>,
        call: &Call<'_>,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let custom = match &*call.kind {
            "custom" => true,
            "function" => false,
            _ => call.function.is_empty() && !call.custom.is_empty(),
        };
        let tool = if custom { &call.custom } else { &call.function };
        let id = Some(&*call.id)
            .filter(|id| *id != "null")
            .unwrap_or_default();
        if id.is_empty() && tool.is_empty() && call.extras.is_empty() {
            return Ok(());
        }
        let text = tool.text();
        let bundle = &mut self.choices[at].bundle;
        if (bundle.is_some() || &*tool.name == BUNDLE)
            && bundle
                .get_or_insert_default()
                .take(place, id, &tool.name, &text)
        {
            return Ok(());
        }
        let index = self.choices[at].index;
        let fragment = ToolFragment {
            index: place,
            id,
            name: &tool.name,
            arguments: &text,
            form: match custom {
                true => ArgumentsForm::Text,
                false => ArgumentsForm::Json,
            },
            executor: Executor::Client,
        };
        self.settle(at, out)?;
        let slot = self.assembler.call(index, fragment, out)?;
        let plain = matches!(&*call.kind, "" | "function" | "custom");
        if !plain || !call.extras.is_empty() || !tool.extras.is_empty() {
            let mut item = Kept::default();
            item.take(&call.extras);
            let mut item = item.into_map();
            let mut inner = Kept::default();
            inner.take(&tool.extras);
            let inner = inner.into_map();
            if !inner.is_empty() {
                item.insert("function".to_owned(), inner.into());
            }
            if !plain {
                item.insert("type".to_owned(), (&*call.kind).into());
            }
            if !item.is_empty() {
                self.assembler.call_native(index, slot, item.into());
            }
        }
        Ok(())
    }

    /// A part of a message whose content is a list.
    fn content_part(&mut self, at: usize, part: Value, out: &mut VecDeque<Event>) -> Result<()> {
        let text = part.get("text").and_then(Value::as_str);
        match (part.get("type").and_then(Value::as_str), text) {
            (Some("text" | "output_text") | None, Some(text)) => self.text(at, text, out),
            (Some("refusal"), _) => {
                let text = part.get("refusal").and_then(Value::as_str);
                self.refusal(at, text.unwrap_or_default(), out)
            }
            (Some("thinking"), _) => {
                self.thought(at, &response::thinking(&part), out)?;
                self.choices[at].details.thinking(part);
                Ok(())
            }
            (Some("reference"), _) => self.cite(at, part, out),
            (Some("image_url"), _) => match response::image(&part) {
                Some(media) => self.part(at, media.into(), out),
                None => Ok(()),
            },
            _ => {
                let native = self.assembler.native(part);
                self.part(at, Part::Native(native), out)
            }
        }
    }

    fn cite(&mut self, at: usize, annotation: Value, out: &mut VecDeque<Event>) -> Result<()> {
        let mut citation = Citation::default();
        if let Some(rest) = response::cite(&mut citation, annotation) {
            citation.native = Some(Box::new(self.assembler.native(rest)));
        }
        self.settle(at, out)?;
        self.assembler
            .citation(self.choices[at].index, citation, out)
    }

    pub(super) fn thought(
        &mut self,
        at: usize,
        text: &str,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        self.assembler.reasoning(self.choices[at].index, text, out)
    }

    pub(super) fn text(&mut self, at: usize, text: &str, out: &mut VecDeque<Event>) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.settle(at, out)?;
        let (state, assembler) = (&mut self.choices[at], &mut self.assembler);
        let index = state.index;
        match &mut state.think {
            Some(splitter) => splitter.push(text, |piece| match piece {
                ThinkPiece::Thought(text) => assembler.reasoning(index, text, out),
                ThinkPiece::Answer(text) => assembler.text(index, text, out),
            }),
            None => assembler.text(index, text, out),
        }
    }

    fn refusal(&mut self, at: usize, text: &str, out: &mut VecDeque<Event>) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.choices[at].refused = true;
        self.settle(at, out)?;
        self.assembler.refusal(self.choices[at].index, text, out)
    }

    pub(super) fn part(&mut self, at: usize, part: Part, out: &mut VecDeque<Event>) -> Result<()> {
        self.settle(at, out)?;
        self.assembler.part(self.choices[at].index, part, out)
    }

    /// Puts what was gathered beside the reasoning on its part, before other
    /// content comes; without such a part on an empty one.
    pub(super) fn settle(&mut self, at: usize, out: &mut VecDeque<Event>) -> Result<()> {
        let Some(item) = self.choices[at].details.finish() else {
            return Ok(());
        };
        let index = self.choices[at].index;
        match self.assembler.current(index) {
            Some((_, PartKind::Reasoning)) => self.assembler.seal(index, Some(item), out),
            _ => {
                let part = self.assembler.open(index, PartKind::Reasoning, out)?;
                self.assembler.close(index, part, Some(item), out);
                Ok(())
            }
        }
    }
}
