//! The parts of a candidate, told to the assembler.

use super::{GeminiDecoder, OpenCall, PartialArgs, Sealed};
use crate::fields::Json;
use crate::gemini::wire::media::read_media;
use crate::gemini::wire::{self, FunctionCall, Part, part};
use crate::{ToolFragment, json};
use parlor_core::{Event, Native, Part as CorePart, PartKind, Result};
use serde_json::{Map, Value};
use std::collections::VecDeque;

impl GeminiDecoder {
    pub(super) fn part(
        &mut self,
        at: usize,
        part: &Part<'_>,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let is_text = part::is_text(part);
        let text = part.text.as_deref();
        if is_text && text.is_some_and(str::is_empty) && part::is_plain(part) {
            return Ok(());
        }
        self.unseal(at, out);
        if let Some(raw) = part.function_call {
            return self.function_call(at, raw, part, out);
        }
        if self.choices[at].call.is_some() {
            self.end_call(at, false, out)?;
        }
        let choice = self.choices[at].index;
        match text {
            Some(text) if is_text && part::is_plain(part) => {
                self.plain_text(choice, part.thought.is_true(), text, out)
            }
            _ if is_text && (text.is_some() || !part.signature.is_empty()) => {
                self.signed_text(at, text.unwrap_or_default(), part, out)
            }
            _ => self.other(at, part, out),
        }
    }

    pub(super) fn plain_text(
        &mut self,
        choice: u32,
        thought: bool,
        text: &str,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        match thought {
            true => self.assembler.reasoning(choice, text, out),
            false => self.assembler.text(choice, text, out),
        }
    }

    /// A text with a native item: a part of its own, that nothing is joined to.
    fn signed_text(
        &mut self,
        at: usize,
        text: &str,
        part: &Part<'_>,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let choice = self.choices[at].index;
        let kind = match part.thought.is_true() {
            true => PartKind::Reasoning,
            false => PartKind::Text,
        };
        self.assembler.seal(choice, None, out)?;
        let index = self.assembler.open(choice, kind, out)?;
        self.assembler.delta(choice, index, kind, text, out);
        self.choices[at].sealed = Some(Sealed {
            part: index,
            kind,
            item: part::modifiers(part, false).into(),
        });
        Ok(())
    }

    pub(super) fn unseal(&mut self, at: usize, out: &mut VecDeque<Event>) {
        let choice = &mut self.choices[at];
        if let Some(sealed) = choice.sealed.take() {
            self.assembler
                .close(choice.index, sealed.part, Some(sealed.item), out);
        }
    }

    fn function_call(
        &mut self,
        at: usize,
        raw: Json<'_>,
        part: &Part<'_>,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let call: FunctionCall<'_> = wire::object(raw);
        if self.choices[at].call.is_some() && !call.name.is_empty() {
            self.end_call(at, false, out)?;
        }
        let choice = self.choices[at].index;
        let in_pieces = call.will_continue.is_true() || !call.partial_args.is_empty();
        if self.choices[at].call.is_none() {
            if !in_pieces {
                let (call, native) = part::function_call(&call, part);
                if call.name.is_empty() && call.id.is_empty() && call.arguments.text == "{}" {
                    // The end of a call that nothing began.
                    return Ok(());
                }
                let fragment = ToolFragment {
                    id: &call.id,
                    name: &call.name,
                    arguments: &call.arguments.text,
                    ..ToolFragment::default()
                };
                let slot = self.assembler.call(choice, fragment, out)?;
                self.assembler.call_native(choice, slot, native.into());
                self.assembler.close_call(choice, slot, out);
                return Ok(());
            }
            // With an id it can be shown before its arguments are whole.
            let id = match call.id.is_empty() {
                true => self.assembler.mint(),
                false => call.id.to_string(),
            };
            let fragment = ToolFragment {
                id: &id,
                name: &call.name,
                ..ToolFragment::default()
            };
            self.assembler.call(choice, fragment, out)?;
            self.choices[at].call = Some(OpenCall {
                arguments: PartialArgs::default(),
                native: Map::new(),
            });
        }
        let Some(open) = &mut self.choices[at].call else {
            return Ok(());
        };
        json::merge(&mut open.native, &part::call_native(&call, part));
        if let Some(args) = call.args {
            open.arguments.set(wire::value(args));
        }
        for piece in call.partial_args.iter() {
            open.arguments.push(piece)?;
        }
        match call.will_continue.is_true() {
            true => Ok(()),
            false => self.end_call(at, false, out),
        }
    }

    /// Ends a call whose arguments came in pieces.
    pub(super) fn end_call(
        &mut self,
        at: usize,
        cut: bool,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let choice = self.choices[at].index;
        let Some(open) = self.choices[at].call.take() else {
            return Ok(());
        };
        let mut text = open.arguments.into_text();
        if cut {
            text.pop();
        }
        let fragment = ToolFragment {
            arguments: &text,
            ..ToolFragment::default()
        };
        let slot = self.assembler.call(choice, fragment, out)?;
        self.assembler.call_native(choice, slot, open.native.into());
        self.assembler.close_call(choice, slot, out);
        Ok(())
    }

    /// A part that is neither text nor a client's call.
    fn other(&mut self, at: usize, part: &Part<'_>, out: &mut VecDeque<Event>) -> Result<()> {
        let choice = self.choices[at].index;
        let with = |part: CorePart, native: Native| part.with_native(native);
        let read = if let Some(call) = part::provider_call(part) {
            let mut call = call;
            if call.id.is_empty() {
                call.id = self.assembler.mint();
            }
            self.choices[at].code.clone_from(&call.id);
            with(call.into(), self.assembler.native(part::verbatim(part)))
        } else if let Some(mut result) = part::provider_result(part) {
            if result.call_id.is_empty() {
                result.call_id.clone_from(&self.choices[at].code);
            }
            with(result.into(), self.assembler.native(part::verbatim(part)))
        } else if let Some((media, native)) = read_media(part) {
            match native.is_empty() {
                true => media.into(),
                false => with(media.into(), self.assembler.native(native)),
            }
        } else {
            match part::verbatim(part) {
                Value::Object(map) if map.is_empty() => return Ok(()),
                item => CorePart::Native(self.assembler.native(item)),
            }
        };
        self.assembler.part(choice, read, out)
    }
}
