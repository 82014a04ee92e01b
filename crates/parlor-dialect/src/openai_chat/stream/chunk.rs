//! Chunks as they are written, and what was written before.

use parlor_core::{ArgumentsForm, PartKind};
use serde::Serialize;
use serde_json::{Map, Value};

#[derive(Serialize)]
pub(super) struct Chunk<'a> {
    pub(super) id: &'a str,
    pub(super) object: &'static str,
    pub(super) created: u64,
    pub(super) model: &'a str,
    pub(super) choices: &'a [ChunkChoice<'a>],
    #[serde(flatten)]
    pub(super) rest: Option<&'a Map<String, Value>>,
}

#[derive(Default, Serialize)]
pub(super) struct ChunkChoice<'a> {
    pub(super) index: u32,
    pub(super) delta: Delta<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs: Option<Value>,
    pub(super) finish_reason: Option<&'a str>,
}

#[derive(Default, Serialize)]
pub(super) struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_calls: Option<[Call<'a>; 1]>,
    #[serde(flatten)]
    pub(super) rest: Option<&'a Map<String, Value>>,
}

#[derive(Default, Serialize)]
pub(super) struct Call<'a> {
    pub(super) index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function: Option<Function<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) custom: Option<Custom<'a>>,
    #[serde(flatten)]
    pub(super) rest: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
pub(super) struct Function<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    pub(super) arguments: &'a str,
}

#[derive(Serialize)]
pub(super) struct Custom<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    pub(super) input: &'a str,
}

/// A piece of a call: with its name the first one.
pub(super) fn call<'a>(
    index: u32,
    form: ArgumentsForm,
    name: Option<&'a str>,
    text: &'a str,
) -> Call<'a> {
    let custom = form == ArgumentsForm::Text;
    Call {
        index,
        kind: name.map(|_| if custom { "custom" } else { "function" }),
        function: (!custom).then_some(Function {
            name,
            arguments: text,
        }),
        custom: custom.then_some(Custom { name, input: text }),
        ..Call::default()
    }
}

/// What was written of a choice.
#[derive(Debug)]
pub(super) struct ChoiceState {
    pub(super) index: u32,
    /// Whether the role was said.
    pub(super) begun: bool,
    pub(super) calls: u32,
}

/// A part that is being written.
#[derive(Debug)]
pub(super) struct OpenPart {
    pub(super) choice: u32,
    pub(super) part: u32,
    pub(super) kind: PartKind,
    /// The place of a call, if it is one that is written.
    pub(super) call: Option<u32>,
    pub(super) form: ArgumentsForm,
    /// Whether text of it was written.
    pub(super) spoke: bool,
}
