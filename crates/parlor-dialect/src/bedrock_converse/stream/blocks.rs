//! The blocks of an answer, from their starts, deltas and stops.

use super::super::response::blocks;
use super::super::wire::{Delta, Fields, Object, block, keys, parse, split};
use super::pieces::{Block, grow, grow_content, input_text, join};
use crate::assemble::{Assembler, ToolFragment};
use crate::json;
use parlor_core::{Error, Event, Executor, Origin, PartKind, Result};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::VecDeque;

/// The most blocks that one answer may have.
const MAX_BLOCKS: u32 = 4_096;

/// The blocks of an answer, told apart by index, so that they may overlap.
#[derive(Debug)]
pub(super) struct Blocks {
    pub(super) assembler: Assembler,
    open: Vec<(u64, Block)>,
    count: u32,
    /// The indexes of blocks that have ended; what comes late for them is
    /// passed over.
    ended: Vec<u64>,
    /// The call that ended last. Whether it was cut is known only when another
    /// block or the end comes.
    pending: Option<Pending>,
}

/// A client's call whose block has ended.
#[derive(Debug)]
struct Pending {
    index: u64,
    slot: usize,
    /// Whether it has said any input.
    said: bool,
}

impl Blocks {
    pub(super) fn new(origin: Origin) -> Self {
        Self {
            assembler: Assembler::new(origin),
            open: Vec::new(),
            count: 0,
            ended: Vec::new(),
            pending: None,
        }
    }

    /// The message ends: at the token limit or not.
    pub(super) fn end_message(&mut self, at_limit: bool, out: &mut VecDeque<Event>) -> Result<()> {
        for (index, block) in std::mem::take(&mut self.open) {
            self.end(index, block, out)?;
        }
        // A call that said nothing at the limit had no time to: it is left to
        // the assembler, which calls it cut.
        if at_limit && self.pending.as_ref().is_some_and(|it| !it.said) {
            self.pending = None;
        }
        self.settle(out)
    }

    /// A block of a whole answer.
    pub(super) fn whole(&mut self, item: Object, out: &mut VecDeque<Event>) -> Result<()> {
        let index = u64::from(self.count);
        match split(item) {
            Some((key, Value::Object(inner))) if key == keys::TOOL_USE => {
                self.begin(index, key, inner, out)?;
                self.stop(index, out)
            }
            Some((key, value)) => {
                self.settle(out)?;
                self.begun()?;
                let part = blocks::part(block(&key, value), self.assembler.origin());
                self.assembler.part(0, part, out)
            }
            None => Ok(()),
        }
    }

    /// A block begins.
    pub(super) fn start(
        &mut self,
        index: u64,
        raw: &RawValue,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let start: Object = parse(raw);
        match split(start) {
            Some((key, Value::Object(inner))) => self.begin(index, key, inner, out),
            Some((key, Value::String(text))) if key == keys::TEXT => {
                self.text(index, PartKind::Text, &text, out)
            }
            // A start that says nothing.
            _ => Ok(()),
        }
    }

    fn begin(
        &mut self,
        index: u64,
        key: String,
        mut item: Object,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        self.stop(index, out)?;
        self.settle(out)?;
        self.begun()?;
        if key != keys::TOOL_USE {
            self.open.push((index, Block::Whole(key, item)));
            return Ok(());
        }
        let input = item.shift_remove("input").unwrap_or_default();
        let executor = blocks::executor(&item);
        let fragment = ToolFragment {
            index: Some(index),
            id: item
                .get("toolUseId")
                .and_then(Value::as_str)
                .unwrap_or_default(),
            name: item.get("name").and_then(Value::as_str).unwrap_or_default(),
            executor,
            ..ToolFragment::default()
        };
        let slot = self.assembler.call(0, fragment, out)?;
        item.retain(|_, value| !value.is_null());
        if executor == Executor::Client {
            for key in ["toolUseId", "name"] {
                item.shift_remove(key);
            }
            item.retain(|key, value| key != "type" || value != "tool_use");
        }
        let block = Block::Call {
            slot,
            executor,
            said: false,
            item,
            written: String::new(),
        };
        self.open.push((index, block));
        match input {
            // Said or not: the next block or the end tells.
            Value::Object(input) if input.is_empty() => Ok(()),
            Value::Null => Ok(()),
            Value::String(text) => self.write(index, &text, out),
            other => self.write(index, &other.to_string(), out),
        }
    }

    /// One more block.
    fn begun(&mut self) -> Result<()> {
        self.count += 1;
        if self.count > MAX_BLOCKS {
            return Err(Error::decode(format!(
                "the answer has more than {MAX_BLOCKS} blocks"
            )));
        }
        Ok(())
    }

    /// A block goes on, or begins: text and thoughts have no start.
    pub(super) fn delta(
        &mut self,
        index: u64,
        delta: &Delta<'_>,
        data: &[u8],
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        if let Some(text) = &delta.text {
            return self.text(index, PartKind::Text, text, out);
        }
        if let Some(thoughts) = &delta.reasoning_content {
            let Some(at) = self.place(index, PartKind::Reasoning, out)? else {
                return Ok(());
            };
            if let Block::Reasoning {
                part,
                signature,
                redacted,
            } = &mut self.open[at].1
            {
                signature.push_str(&thoughts.signature);
                join(redacted, &thoughts.redacted_content);
                let kind = PartKind::Reasoning;
                self.assembler.delta(0, *part, kind, &thoughts.text, out);
            }
            return Ok(());
        }
        if let Some(tool) = &delta.tool_use {
            let text = tool.input.map(input_text).unwrap_or_default();
            return self.write(index, &text, out);
        }
        if let Some(raw) = delta.citation {
            let Some(at) = self.place(index, PartKind::Text, out)? else {
                return Ok(());
            };
            if let Block::Text(part) = self.open[at].1 {
                let citation = blocks::citation(parse(raw), self.assembler.origin());
                self.assembler.citation_in(0, part, citation, out);
            }
            return Ok(());
        }
        self.other(index, data, out)
    }

    /// More of a block that has no delta of its own here.
    fn other(&mut self, index: u64, data: &[u8], out: &mut VecDeque<Event>) -> Result<()> {
        let mut scratch = String::new();
        let fields: Fields<'_> = json::read(data, &mut scratch).unwrap_or_default();
        let delta: Object = fields
            .get("delta")
            .map(|raw| parse(raw))
            .unwrap_or_default();
        let Some((key, value)) = split(delta) else {
            return Ok(());
        };
        let known = self.open.iter().rposition(|it| it.0 == index);
        let at = match known {
            Some(at) => at,
            None if self.ended.contains(&index) => return Ok(()),
            None => {
                self.begin(index, key.clone(), Object::new(), out)?;
                self.open.len() - 1
            }
        };
        if let Some((_, Block::Whole(_, item))) = self.open.get_mut(at) {
            match value {
                Value::Object(value) => grow(item, value),
                Value::Array(pieces) => grow_content(item, pieces),
                value => {
                    item.insert(key, value);
                }
            }
        }
        Ok(())
    }

    fn text(
        &mut self,
        index: u64,
        kind: PartKind,
        text: &str,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        // An empty delta begins no block.
        if text.is_empty() {
            return Ok(());
        }
        let Some(at) = self.place(index, kind, out)? else {
            return Ok(());
        };
        if let Block::Text(part) = self.open[at].1 {
            self.assembler.delta(0, part, kind, text, out);
        }
        Ok(())
    }

    /// The place of the open block of this index and kind, begun if need be;
    /// `None` for one that has ended.
    fn place(
        &mut self,
        index: u64,
        kind: PartKind,
        out: &mut VecDeque<Event>,
    ) -> Result<Option<usize>> {
        let known = self.open.iter().rposition(|it| it.0 == index);
        match known {
            Some(at) if self.open[at].1.is(kind) => return Ok(Some(at)),
            // Another kind under the same index is another block.
            Some(_) => self.stop(index, out)?,
            None if self.ended.contains(&index) => return Ok(None),
            None => {}
        }
        self.settle(out)?;
        self.begun()?;
        let part = self.assembler.open(0, kind, out)?;
        let block = match kind {
            PartKind::Reasoning => Block::Reasoning {
                part,
                signature: String::new(),
                redacted: String::new(),
            },
            _ => Block::Text(part),
        };
        self.open.push((index, block));
        Ok(Some(self.open.len() - 1))
    }

    /// More of a call's input; of a call that isn't open it is passed over.
    pub(super) fn write(
        &mut self,
        index: u64,
        text: &str,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let open = self.open.iter_mut().rfind(|it| it.0 == index);
        let Some((
            _,
            Block::Call {
                executor,
                said,
                written,
                ..
            },
        )) = open
        else {
            return Ok(());
        };
        *said |= !text.trim().is_empty();
        if *executor == Executor::Provider {
            written.push_str(text);
        }
        let fragment = ToolFragment {
            index: Some(index),
            arguments: text,
            executor: *executor,
            ..ToolFragment::default()
        };
        self.assembler.call(0, fragment, out).map(|_| ())
    }

    /// A block ends; one that isn't open is passed over.
    pub(super) fn stop(&mut self, index: u64, out: &mut VecDeque<Event>) -> Result<()> {
        let Some(at) = self.open.iter().rposition(|it| it.0 == index) else {
            return Ok(());
        };
        let (_, block) = self.open.remove(at);
        if !self.ended.contains(&index) {
            self.ended.push(index);
        }
        self.end(index, block, out)
    }

    fn end(&mut self, index: u64, ended: Block, out: &mut VecDeque<Event>) -> Result<()> {
        match ended {
            Block::Text(part) => self.assembler.close(0, part, None, out),
            Block::Reasoning {
                part,
                signature,
                redacted,
            } => {
                let mut item = Object::new();
                for (key, text) in [("signature", signature), ("redactedContent", redacted)] {
                    if !text.is_empty() {
                        item.insert(key.to_owned(), text.into());
                    }
                }
                self.assembler.close(0, part, Some(item.into()), out);
            }
            Block::Call {
                slot,
                executor,
                said,
                mut item,
                written,
            } => {
                self.settle(out)?;
                if executor == Executor::Provider {
                    let input = serde_json::from_str(&written);
                    item.insert("input".to_owned(), input.unwrap_or_else(|_| empty()));
                    let item = block(keys::TOOL_USE, item);
                    self.assembler.call_native(0, slot, item.into());
                    self.assembler.close_call(0, slot, out);
                    return Ok(());
                }
                if !item.is_empty() {
                    self.assembler.call_native(0, slot, item.into());
                }
                self.pending = Some(Pending { index, slot, said });
            }
            Block::Whole(key, item) => {
                let part = blocks::part(block(&key, item), self.assembler.origin());
                self.assembler.part(0, part, out)?;
            }
        }
        Ok(())
    }

    /// Ends the call that waited. No input is an empty object.
    fn settle(&mut self, out: &mut VecDeque<Event>) -> Result<()> {
        let Some(Pending { index, slot, said }) = self.pending.take() else {
            return Ok(());
        };
        if !said {
            let fragment = ToolFragment {
                index: Some(index),
                arguments: "{}",
                ..ToolFragment::default()
            };
            self.assembler.call(0, fragment, out)?;
        }
        self.assembler.close_call(0, slot, out);
        Ok(())
    }
}

fn empty() -> Value {
    Value::Object(Object::new())
}
