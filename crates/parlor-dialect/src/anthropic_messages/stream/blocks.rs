//! The blocks of an answer, from their starts, deltas and stops.

use super::super::response::blocks;
use super::super::wire::{Delta, Fields, Object, parse};
use super::open::{Block, Pending, Start, grow, input_text};
use crate::assemble::{Assembler, ToolFragment};
use crate::json;
use crate::tagged::Tagged;
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
    /// Indexes below this one have been started; only later ones may begin
    /// with a delta.
    next_index: u64,
    /// The call that ended last. Whether it was cut is known only when another
    /// block or the stop reason comes.
    pending: Option<Box<Pending>>,
    /// Whether the first text may begin with thoughts between tags.
    think_tags: bool,
}

impl Blocks {
    pub(super) fn new(origin: Origin, think_tags: bool) -> Self {
        Self {
            assembler: Assembler::new(origin),
            open: Vec::new(),
            count: 0,
            next_index: 0,
            pending: None,
            think_tags,
        }
    }

    /// A message begins, the first or one that goes on from another.
    pub(super) fn begin_message(&mut self, out: &mut VecDeque<Event>) -> Result<()> {
        self.next_index = 0;
        self.close_all(out)
    }

    /// The message ends: at the token limit or not.
    pub(super) fn end_message(&mut self, at_limit: bool, out: &mut VecDeque<Event>) -> Result<()> {
        self.close_all(out)?;
        self.settle(at_limit, out)
    }

    /// A block begins.
    pub(super) fn start(
        &mut self,
        index: u64,
        raw: &RawValue,
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        self.stop(index, out)?;
        self.settle(false, out)?;
        self.count += 1;
        if self.count > MAX_BLOCKS {
            return Err(Error::decode(format!(
                "the answer has more than {MAX_BLOCKS} blocks"
            )));
        }
        self.next_index = self.next_index.max(index.saturating_add(1));
        let mut scratch = String::new();
        let start = json::read::<Start<'_>>(raw.get().as_bytes(), &mut scratch);
        let start = start.unwrap_or_default();
        let mut item: Object = parse(raw);
        if item.is_empty() {
            return Ok(());
        }
        let block = match &*start.kind {
            "text" if std::mem::take(&mut self.think_tags) => {
                let mut tagged = Box::<Tagged>::default();
                tagged.push(&start.text, &mut self.assembler, out)?;
                item.shift_remove("text");
                let rest = Box::new(item);
                Block::Tagged { tagged, rest }
            }
            "text" => {
                let part = self.assembler.open(0, PartKind::Text, out)?;
                self.assembler
                    .delta(0, part, PartKind::Text, &start.text, out);
                if let Some(Value::Array(citations)) = item.shift_remove("citations") {
                    for citation in citations {
                        self.citation(part, citation, out);
                    }
                }
                item.shift_remove("text");
                let rest = blocks::leftovers(item).map(Box::new);
                Block::Text { part, rest }
            }
            "thinking" => {
                // A host that tells thoughts apart has taken the tags out.
                self.think_tags = false;
                let part = self.assembler.open(0, PartKind::Reasoning, out)?;
                let kind = PartKind::Reasoning;
                self.assembler.delta(0, part, kind, &start.thinking, out);
                for key in ["type", "thinking"] {
                    item.shift_remove(key);
                }
                let signature = start.signature.to_string();
                Block::Thinking {
                    part,
                    signature,
                    rest: Box::new(item),
                }
            }
            kind @ ("tool_use" | "server_tool_use" | "mcp_tool_use") => {
                let executor = match kind {
                    "tool_use" => Executor::Client,
                    _ => Executor::Provider,
                };
                let fragment = ToolFragment {
                    index: Some(index),
                    id: &start.id,
                    name: &start.name,
                    executor,
                    ..ToolFragment::default()
                };
                let slot = self.assembler.call(0, fragment, out)?;
                let input = start
                    .input
                    .map(|it| input_text(it.get()))
                    .unwrap_or_default();
                Block::Call {
                    slot,
                    executor,
                    input,
                    written: String::new(),
                    rest: Box::new(item),
                }
            }
            "redacted_thinking" => return self.part(item, out),
            kind if kind.ends_with("_tool_result") => return self.part(item, out),
            _ => Block::Whole(Box::new(item)),
        };
        // Nearly always there is one at a time.
        self.open.reserve_exact(1);
        self.open.push((index, block));
        Ok(())
    }

    fn part(&mut self, item: Object, out: &mut VecDeque<Event>) -> Result<()> {
        let part = blocks::part(item, self.assembler.origin());
        self.assembler.part(0, part, out)
    }

    fn citation(&mut self, part: u32, item: Value, out: &mut VecDeque<Event>) {
        let citation = blocks::citation(item, self.assembler.origin());
        self.assembler.citation_in(0, part, citation, out);
    }

    /// A block of text goes on; false where it is no such block.
    pub(super) fn text(&mut self, index: u64, text: &str, out: &mut VecDeque<Event>) -> bool {
        match self.open.iter().rfind(|it| it.0 == index) {
            Some((_, Block::Text { part, .. })) => {
                self.assembler.delta(0, *part, PartKind::Text, text, out);
                true
            }
            _ => false,
        }
    }

    /// A block goes on.
    pub(super) fn delta(
        &mut self,
        index: u64,
        delta: &Delta<'_>,
        data: &[u8],
        out: &mut VecDeque<Event>,
    ) -> Result<()> {
        let at = match self.open.iter().rposition(|it| it.0 == index) {
            Some(at) => at,
            None => match self.begin(index, delta, out)? {
                Some(at) => at,
                None => return Ok(()),
            },
        };
        match &mut self.open[at].1 {
            Block::Text { part, .. } => {
                let part = *part;
                self.assembler
                    .delta(0, part, PartKind::Text, &delta.text, out);
                if let Some(citation) = delta.citation {
                    let item = parse(citation);
                    self.citation(part, item, out);
                }
            }
            Block::Tagged { tagged, .. } => {
                tagged.push(&delta.text, &mut self.assembler, out)?;
                if let (Some(part), Some(citation)) = (tagged.text_part(), delta.citation) {
                    self.citation(part, parse(citation), out);
                }
            }
            Block::Thinking {
                part, signature, ..
            } => {
                signature.push_str(&delta.signature);
                let part = *part;
                let kind = PartKind::Reasoning;
                self.assembler.delta(0, part, kind, &delta.thinking, out);
            }
            Block::Call {
                written, executor, ..
            } => {
                if *executor == Executor::Provider || written.trim().is_empty() {
                    written.push_str(&delta.partial_json);
                }
                let fragment = ToolFragment {
                    index: Some(index),
                    arguments: &delta.partial_json,
                    executor: *executor,
                    ..ToolFragment::default()
                };
                self.assembler.call(0, fragment, out)?;
            }
            Block::Whole(item) => {
                let mut scratch = String::new();
                let fields: Fields<'_> = json::read(data, &mut scratch).unwrap_or_default();
                if let Some(delta) = fields.get("delta") {
                    grow(item, parse(delta));
                }
            }
        }
        Ok(())
    }

    /// Begins a block whose start didn't come, by what its first delta is.
    fn begin(
        &mut self,
        index: u64,
        delta: &Delta<'_>,
        out: &mut VecDeque<Event>,
    ) -> Result<Option<usize>> {
        if index < self.next_index {
            return Ok(None);
        }
        self.settle(false, out)?;
        let block = match &*delta.kind {
            "text_delta" => {
                let part = self.assembler.open(0, PartKind::Text, out)?;
                Block::Text { part, rest: None }
            }
            "thinking_delta" => {
                let part = self.assembler.open(0, PartKind::Reasoning, out)?;
                Block::Thinking {
                    part,
                    signature: String::new(),
                    rest: Box::default(),
                }
            }
            _ => return Ok(None),
        };
        self.next_index = index.saturating_add(1);
        self.open.push((index, block));
        Ok(Some(self.open.len() - 1))
    }

    /// A block ends; one that isn't open is passed over.
    pub(super) fn stop(&mut self, index: u64, out: &mut VecDeque<Event>) -> Result<()> {
        let Some(at) = self.open.iter().rposition(|it| it.0 == index) else {
            return Ok(());
        };
        let (_, block) = self.open.remove(at);
        self.end(index, block, out)
    }

    fn end(&mut self, index: u64, block: Block, out: &mut VecDeque<Event>) -> Result<()> {
        match block {
            Block::Text { part, rest } => {
                self.assembler.close(0, part, rest.map(|it| *it), out);
            }
            Block::Tagged { tagged, mut rest } => {
                rest.shift_remove("citations");
                if let Some(part) = tagged.finish(&mut self.assembler, out)? {
                    let rest = blocks::leftovers(*rest);
                    self.assembler.close(0, part, rest, out);
                }
            }
            Block::Thinking {
                part,
                signature,
                mut rest,
            } => {
                rest.retain(|key, value| key != "signature" && !value.is_null());
                if !signature.is_empty() {
                    rest.insert("signature".to_owned(), Value::String(signature));
                }
                self.assembler
                    .close(0, part, Some(Value::Object(*rest)), out);
            }
            Block::Call {
                slot,
                executor,
                input,
                written,
                mut rest,
            } => {
                let silent = written.trim().is_empty();
                if executor == Executor::Provider {
                    if silent {
                        self.write_input(index, &input, out)?;
                    }
                    let text = if silent { &input } else { &written };
                    if let Ok(value) = serde_json::from_str::<Value>(text) {
                        rest.insert("input".to_owned(), value);
                    }
                    self.assembler.call_native(0, slot, Value::Object(*rest));
                    self.assembler.close_call(0, slot, out);
                    return Ok(());
                }
                for key in ["id", "name", "input"] {
                    rest.shift_remove(key);
                }
                if let Some(rest) = blocks::leftovers(*rest) {
                    self.assembler.call_native(0, slot, rest);
                }
                self.settle(false, out)?;
                let input = if silent { input } else { String::new() };
                self.pending = Some(Box::new(Pending { index, slot, input }));
            }
            Block::Whole(item) => self.part(*item, out)?,
        }
        Ok(())
    }

    /// Ends the call that waited. One that has no arguments at the token limit
    /// had no time to say them; the assembler calls it cut.
    fn settle(&mut self, at_limit: bool, out: &mut VecDeque<Event>) -> Result<()> {
        let Some(pending) = self.pending.take() else {
            return Ok(());
        };
        let Pending { index, slot, input } = *pending;
        let empty = matches!(input.trim(), "" | "{}");
        if at_limit && empty {
            return Ok(());
        }
        self.write_input(index, &input, out)?;
        self.assembler.close_call(0, slot, out);
        Ok(())
    }

    fn write_input(&mut self, index: u64, input: &str, out: &mut VecDeque<Event>) -> Result<()> {
        if input.is_empty() {
            return Ok(());
        }
        let fragment = ToolFragment {
            index: Some(index),
            arguments: input,
            ..ToolFragment::default()
        };
        self.assembler.call(0, fragment, out).map(|_| ())
    }

    fn close_all(&mut self, out: &mut VecDeque<Event>) -> Result<()> {
        for (index, block) in std::mem::take(&mut self.open) {
            self.end(index, block, out)?;
        }
        Ok(())
    }
}
