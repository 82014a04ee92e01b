//! The cases, by what they are about.

mod cancel;
mod errors;
mod limits;
mod media;
mod output;
mod reasoning;
mod text;
mod tools;

use futures_util::FutureExt;
use parlor_core::Capability::{
    DocumentInput, ImageInput, Json, JsonSchema, Logprobs, MultipleChoices, ParallelTools,
    Reasoning, Stop, Streaming, ToolChoice, Tools,
};

use super::case::Case;

macro_rules! cases {
    ($( $name:literal, [$($needs:ident),*], $about:literal, $run:path; )+) => {
        &[ $( Case {
            name: $name,
            about: $about,
            needs: &[$($needs),*],
            run: |trial| $run(trial).boxed(),
        }, )+ ]
    };
}

/// Every case, in the order in which they run.
#[rustfmt::skip] // A table: one case, one line.
pub(super) static ALL: &[Case] = cases![
    "text", [], "a whole answer", text::whole;
    "stream", [Streaming], "a streamed answer and the grammar of its events", text::stream;
    "chat-equals-stream", [Streaming], "a collected stream is what a call gives", text::equal;
    "characters", [], "text beyond ASCII, there and back", text::characters;
    "system-prompt", [], "instructions are known", text::system;
    "memory", [], "earlier turns are known", text::memory;
    "usage", [], "tokens are counted, each once", text::usage;
    "tools", [Tools], "a call, its result, an answer", tools::whole;
    "tools-stream", [Tools, Streaming], "likewise by streams", tools::stream;
    "parallel-tools", [Tools, ParallelTools], "two calls side by side, and their results", tools::parallel;
    "tool-choice-required", [Tools, ToolChoice], "a tool must be called", tools::required;
    "tool-choice-named", [Tools, ToolChoice], "a certain tool must be called", tools::named;
    "tool-choice-none", [Tools, ToolChoice], "no tool may be called", tools::none;
    "tool-failure", [Tools], "a tool that failed", tools::failure;
    "reasoning", [Reasoning], "reasoning before the answer", reasoning::whole;
    "reasoning-stream", [Reasoning, Streaming], "likewise by a stream", reasoning::stream;
    "reasoning-replay", [Reasoning, Tools], "reasoning goes back with a tool's result", reasoning::replay;
    "json-schema", [JsonSchema], "JSON by a schema", output::schema;
    "json-schema-stream", [JsonSchema, Streaming], "likewise by a stream", output::schema_stream;
    "json", [Json], "any JSON", output::json;
    "image-input", [ImageInput], "a picture is seen", media::image;
    "document-input", [DocumentInput], "a document is read", media::document;
    "max-output-tokens", [], "an answer is cut at the limit, and says so", limits::output;
    "stop-sequence", [Stop], "an answer ends before a text", limits::stop;
    "choices", [MultipleChoices], "two choices for one request", limits::choices;
    "logprobs", [Logprobs], "log probabilities of tokens", limits::logprobs;
    "unsupported-settings", [], "what can't be honoured is said or fails, as asked", errors::settings;
    "wrong-key", [], "a key that isn't taken", errors::wrong_key;
    "unknown-model", [], "a model that isn't there", errors::unknown_model;
    "context-too-long", [], "a prompt that is too long", errors::too_long;
    "drop-call", [], "a call is dropped, and the server sees it", cancel::call;
    "drop-stream", [Streaming], "a stream is dropped, and the server sees it", cancel::stream;
    "concurrent", [], "calls at the same time don't mix", cancel::concurrent;
];
