//! Calls that aren't what they seem: bundles of calls, and tools that the host
//! ran.

use crate::assemble::Assembler;
use parlor_core::{Arguments, Executor, Part, ToolCall, ToolResult};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The most tools that a host runs for one answer.
const MAX_TOOLS: usize = 128;

/// The tool that some models make up to call several at once.
pub(in super::super) const BUNDLE: &str = "multi_tool_use.parallel";

/// A call of the made-up tool whose arguments are calls.
#[derive(Debug, Default)]
pub(super) struct Bundle {
    place: Option<u64>,
    id: String,
    arguments: String,
    open: bool,
}

#[derive(Deserialize)]
struct Uses<'a> {
    #[serde(borrow)]
    tool_uses: Vec<Use<'a>>,
}

#[derive(Deserialize)]
struct Use<'a> {
    recipient_name: String,
    #[serde(borrow)]
    parameters: &'a RawValue,
}

impl Bundle {
    /// Takes a piece of a call if it belongs to the bundle.
    pub(super) fn take(&mut self, place: Option<u64>, id: &str, name: &str, text: &str) -> bool {
        let begins = name == BUNDLE && !self.open;
        let goes_on = self.open
            && self.place == place
            && (id.is_empty() || id == self.id)
            && (name.is_empty() || name == BUNDLE);
        if begins {
            self.open = true;
            self.place = place;
            self.id = id.to_owned();
        }
        if begins || goes_on {
            self.arguments.push_str(text);
        }
        begins || goes_on
    }

    /// The calls in the bundle, or the bundle itself if it can't be undone.
    pub(super) fn finish(self) -> Vec<ToolCall> {
        if !self.open {
            return Vec::new();
        }
        let read = |text| serde_json::from_str::<Uses<'_>>(text).ok();
        match read(&self.arguments).filter(|it| !it.tool_uses.is_empty()) {
            Some(uses) => {
                let tools = uses.tool_uses.iter().enumerate();
                let calls = tools.map(|(at, it)| {
                    let name = it.recipient_name.as_str();
                    let name = name.strip_prefix("functions.").unwrap_or(name);
                    let id = match self.id.as_str() {
                        "" => String::new(),
                        id => format!("{id}_{at}"),
                    };
                    ToolCall::new(id, name, Arguments::json(it.parameters.get()))
                });
                calls.collect()
            }
            None => vec![ToolCall::new(
                self.id,
                BUNDLE,
                Arguments::json(self.arguments),
            )],
        }
    }
}

/// Tools that the host ran by itself, by their index: told once their output
/// is there.
#[derive(Debug, Default)]
pub(super) struct Executed {
    seen: Vec<(u64, Option<Value>)>,
}

impl Executed {
    /// Takes what is known of one and gives it as a call and its result.
    pub(super) fn take(&mut self, item: Value, assembler: &Assembler) -> Vec<Part> {
        let index = item.get("index").and_then(Value::as_u64);
        let index = index.unwrap_or(self.seen.len() as u64);
        let over = item.get("output").is_some_and(|it| !it.is_null());
        let at = self.seen.iter().position(|it| it.0 == index);
        let waiting = (!over).then(|| item.clone());
        match at {
            // Told already.
            Some(at) if self.seen[at].1.is_none() => return Vec::new(),
            Some(at) => self.seen[at].1 = waiting,
            None if self.seen.len() < MAX_TOOLS => self.seen.push((index, waiting)),
            None => return Vec::new(),
        }
        match over {
            true => told(index, item, assembler),
            false => Vec::new(),
        }
    }

    /// Those whose output never came.
    pub(super) fn finish(self, assembler: &Assembler) -> Vec<Part> {
        let waiting = self.seen.into_iter();
        waiting
            .filter_map(|(index, item)| Some(told(index, item?, assembler)))
            .flatten()
            .collect()
    }
}

fn told(index: u64, item: Value, assembler: &Assembler) -> Vec<Part> {
    let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = ["name", "type"]
        .map(text)
        .into_iter()
        .find(|it| !it.is_empty());
    // Nine letters and digits, as minted ids are.
    let id = format!("x{index:08}");
    let mut call = ToolCall::new(
        &*id,
        name.unwrap_or_default(),
        Arguments::json(text("arguments")),
    );
    call.executor = Executor::Provider;
    let mut parts = Vec::new();
    let mut result = ToolResult::default();
    if let Some(output) = item.get("output").and_then(Value::as_str) {
        result.call_id = id;
        result.parts = vec![Part::text(output)];
        result.executor = Executor::Provider;
        parts.push(Part::ToolResult(result));
    }
    let native = assembler.native(json!({"executed_tools": [item]}));
    parts.insert(0, Part::ToolCall(call).with_native(native));
    parts
}
