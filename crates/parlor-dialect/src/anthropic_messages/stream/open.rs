//! What is known of blocks that are open.

use super::super::wire::Object;
use crate::json::Text;
use crate::tagged::Tagged;
use parlor_core::Executor;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What is known of a block that was begun.
#[derive(Debug)]
pub(super) enum Block {
    Text {
        part: u32,
        rest: Option<Box<Value>>,
    },
    Tagged {
        tagged: Box<Tagged>,
        rest: Box<Object>,
    },
    Thinking {
        part: u32,
        signature: String,
        rest: Box<Object>,
    },
    /// A call of the client's or the provider's, with the input that its start
    /// had, which counts if no deltas bring one.
    Call {
        slot: usize,
        executor: Executor,
        input: String,
        /// What the deltas brought; of a client's call only whether they did.
        written: String,
        rest: Box<Object>,
    },
    /// A block that waits for its end, since its deltas aren't known.
    Whole(Box<Object>),
}

/// A client's call whose block has ended.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) index: u64,
    pub(super) slot: usize,
    /// The input that its start had, if the deltas brought none.
    pub(super) input: String,
}

/// The fields of a block that are read as its deltas would be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Start<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) thinking: Text<'a>,
    #[serde(borrow)]
    pub(super) signature: Text<'a>,
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
}

/// The text of a call's input, which some copies send as a JSON text.
pub(in super::super) fn input_text(raw: &str) -> String {
    match serde_json::from_str::<String>(raw) {
        Ok(text) => text,
        Err(_) => raw.to_owned(),
    }
}

/// Adds a delta of an unknown type to the block it belongs to: texts are
/// joined, all else is set.
pub(super) fn grow(item: &mut Object, delta: Object) {
    for (key, value) in delta {
        match (item.get_mut(&key), value) {
            _ if key == "type" => {}
            (Some(Value::String(known)), Value::String(more)) => known.push_str(&more),
            (_, value) => {
                item.insert(key, value);
            }
        }
    }
}
