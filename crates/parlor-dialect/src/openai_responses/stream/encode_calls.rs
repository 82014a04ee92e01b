//! Writes calls of functions: their beginnings, arguments and ends.

use super::super::response::is_of_client;
use super::super::response::scope::Answer;
use super::super::response::whole::answered;
use super::super::response::write::Items;
use super::super::wire::block;
use super::encoder::ResponsesEncoder;
use super::pieces::{Body, ItemKind, Piece};
use crate::client_tools::{ClientTool, InputText};
use crate::dialect::FrameWriter;
use parlor_core::{ArgumentsForm, CallHead, Executor, Part, PartKind, Result};
use std::borrow::Cow;

impl ResponsesEncoder {
    /// A call of a function begins. One of a built-in tool waits for its end.
    pub(super) fn start_call(
        &mut self,
        part: u32,
        call: &CallHead,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        let own = self.tools.get(&call.name).cloned();
        let own = own.filter(|_| call.form == ArgumentsForm::Json);
        let built_in = own.is_none() && is_of_client(&format!("{}_call", call.name));
        if call.executor == Executor::Provider || built_in {
            return Ok(());
        }
        let text_in_json = own.as_ref().is_some_and(|it| it.is_text);
        let (kind, name, key) = match call.form {
            _ if text_in_json => (ItemKind::Custom, "custom_tool_call", "input"),
            ArgumentsForm::Text => (ItemKind::Custom, "custom_tool_call", "input"),
            _ => (ItemKind::Function, "function_call", "arguments"),
        };
        let mut item = block(name);
        item.insert("status".to_owned(), "in_progress".into());
        item.insert(key.to_owned(), "".into());
        item.insert("call_id".to_owned(), call.id.as_str().into());
        match own {
            Some(ClientTool {
                name, namespace, ..
            }) => {
                item.insert("name".to_owned(), name.into());
                if let Some(namespace) = namespace {
                    item.insert("namespace".to_owned(), namespace.into());
                }
            }
            None => {
                item.insert("name".to_owned(), call.name.as_str().into());
            }
        }
        let at = self.add(kind, item, out)?;
        if let Some(item) = self.items.get_mut(at) {
            let mut piece = Piece::new(part, PartKind::ToolCall);
            piece.input = text_in_json.then(InputText::default);
            item.parts.push(piece);
        }
        Ok(())
    }

    pub(super) fn arguments(
        &mut self,
        part: u32,
        text: &str,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        let Some((at, place)) = self.find(part) else {
            return Ok(());
        };
        let Some(item) = self.items.get_mut(at) else {
            return Ok(());
        };
        let mut said = Cow::Borrowed(text);
        if let Some(piece) = item.parts.get_mut(place) {
            if let Some(input) = &mut piece.input {
                said = input.push(text).into();
            }
            piece.text.push_str(&said);
        }
        if said.is_empty() && !text.is_empty() {
            return Ok(());
        }
        let kind = match item.kind {
            ItemKind::Custom => "response.custom_tool_call_input.delta",
            _ => "response.function_call_arguments.delta",
        };
        self.piece((at, place), kind, Body::Delta { delta: &said }, out)
    }

    pub(super) fn end_call(
        &mut self,
        (at, place): (usize, usize),
        part: &Part,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        let restored = answered(part, &self.tools);
        let part = restored.as_ref().unwrap_or(part);
        let Part::ToolCall(call) = part else {
            return Ok(());
        };
        let Some(item) = self.items.get_mut(at) else {
            return Ok(());
        };
        let kind = item.kind;
        let text = match (call.arguments.text.as_str(), call.arguments.form, kind) {
            // Clients parse it.
            ("", ArgumentsForm::Json, ItemKind::Function) => "{}",
            (text, ..) => text,
        };
        let mut rest = None;
        if let Some(piece) = item.parts.get_mut(place) {
            piece.open = false;
            let sent = std::mem::take(&mut piece.text);
            rest = match piece.input {
                // It may have been read in another way at last.
                Some(_) => text.strip_prefix(&sent),
                None => text.get(sent.len()..),
            };
        }
        let mut written = Items::default();
        written.put(part, &Answer);
        let Some(item) = written.items.pop() else {
            return Ok(());
        };
        let (delta, over, body) = match kind {
            ItemKind::Custom => (
                "response.custom_tool_call_input.delta",
                "response.custom_tool_call_input.done",
                Body::Input { input: text },
            ),
            _ => (
                "response.function_call_arguments.delta",
                "response.function_call_arguments.done",
                Body::Arguments { arguments: text },
            ),
        };
        // The deltas are for display; this is what counts.
        if let Some(rest) = rest.filter(|it| !it.is_empty()) {
            self.piece((at, place), delta, Body::Delta { delta: rest }, out)?;
        }
        self.piece((at, place), over, body, out)?;
        let mut item = item;
        if call.arguments.form == ArgumentsForm::Cut {
            item.insert("status".to_owned(), "incomplete".into());
            item.insert("arguments".to_owned(), text.into());
        }
        self.done(at, item, out)
    }
}
