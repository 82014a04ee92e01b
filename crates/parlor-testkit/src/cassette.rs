//! Recorded exchanges with real providers, read from a folder that lies beside the workspace.
//!
//! A cassette is one JSON file: the request that a real client sent, the bytes that came back,
//! and what a correct client makes of them. The recordings are not part of this tree. Where the
//! folder is absent, [`Cassette::load_all`] answers `None` and a test passes over itself by name.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// One recorded exchange.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Cassette {
    /// The file's stem, unique within its provider.
    #[serde(skip)]
    pub name: String,
    /// The provider, which is also the name of the folder.
    pub provider: String,
    /// The wire dialect: `openai-chat`, `openai-responses`, `anthropic-messages`, `gemini`,
    /// `mistral`, `bedrock-converse`, `bedrock-invoke-anthropic`, `cohere-v2`, `ollama-chat`, …
    pub dialect: String,
    /// Where the recording comes from and how true it is to the wire.
    pub source: Source,
    /// What a real client sent.
    pub request: RecordedRequest,
    /// What came over the wire.
    pub response: RecordedResponse,
    /// What the exchange shows: `stream`, `tool-call`, `reasoning`, `truncated`, `error`, ….
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Features of the bytes that trip parsers: `crlf`, `sse-comment`, `empty-choices`, ….
    #[serde(default)]
    pub wire: Vec<String>,
    /// Where JSON was serialised anew or framing rebuilt by the recorder.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What a correct client makes of the response.
    pub expected: Expected,
}

/// Where a recording comes from.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Source {
    /// The public project that recorded it.
    #[serde(default)]
    pub repo: String,
    /// The file within that project.
    #[serde(default)]
    pub path: String,
    /// The project's licence.
    #[serde(default)]
    pub licence: String,
    /// `http` a whole exchange; `redacted` ids and times blanked; `body` the response body only;
    /// `body-edited` likewise, written or edited by its authors.
    #[serde(default)]
    pub fidelity: String,
}

/// The request of a recording: a valid one, not the only one.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The HTTP method.
    pub method: String,
    /// The host, empty where the recorder left it out.
    #[serde(default)]
    pub host: String,
    /// The path with its query.
    pub path: String,
    /// The headers that were kept, names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The JSON body, `None` where only the response was recorded.
    #[serde(default)]
    pub body: Option<Value>,
}

/// The response of a recording.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "ResponseFile")]
#[non_exhaustive]
pub struct RecordedResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers that were kept, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as it came over the wire, decompressed.
    pub body: Vec<u8>,
    /// Whether the body is a stream of events.
    pub streaming: bool,
}

/// What a correct client makes of a recorded response; texts are those of choice 0.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Expected {
    /// The text, parts joined with nothing between. `<think>` tags stay in it.
    pub text: String,
    /// The text's parts where there is more than one.
    pub text_parts: Vec<String>,
    /// The reasoning, parts joined with nothing between.
    pub reasoning: String,
    /// The reasoning's parts where there is more than one.
    pub reasoning_parts: Vec<String>,
    /// The refusal, where the model gave one in a channel of its own.
    pub refusal: Option<String>,
    /// The calls that the client must run.
    pub tool_calls: Vec<ExpectedToolCall>,
    /// The calls that the provider ran.
    pub provider_tool_calls: Vec<ExpectedToolCall>,
    /// The provider's own word for why the answer ended.
    pub finish_reason_raw: Option<String>,
    /// The provider's own figures; in a stream the last ones.
    pub usage: Option<ExpectedUsage>,
    /// The same figures where input counts cached tokens and output counts reasoning.
    pub usage_inclusive: Option<InclusiveUsage>,
    /// The provider's usage object.
    pub usage_raw: Option<Value>,
    /// The error, also one inside a 200.
    pub error: Option<ExpectedError>,
    /// The response's id.
    pub response_id: Option<String>,
    /// The model that the response names.
    pub response_model: Option<String>,
    /// The response's status, where the dialect has one.
    pub response_status: Option<String>,
    /// How many choices came, where more than one.
    pub choice_count: Option<u64>,
    /// Whether the stream ended with the dialect's `[DONE]`, where recorded.
    pub done_marker: Option<bool>,
    /// How many reasoning signatures came, where counted.
    pub signature_count: Option<u64>,
    /// Everything else that is noted, by key.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// A tool call within [`Expected`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExpectedToolCall {
    /// The provider's id, a number as text; `None` where it sent none.
    #[serde(default, deserialize_with = "text_or_number")]
    pub id: Option<String>,
    /// The tool's name; `None` for most calls that a provider ran.
    #[serde(default)]
    pub name: Option<String>,
    /// The provider's type of a call that it ran, such as `server_tool_use`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// The arguments as JSON: `{}` for empty and null ones, a string for a custom tool's input,
    /// `{"__unparsed__": …}` for invalid or cut JSON; null where none were noted.
    #[serde(default)]
    pub arguments: Value,
}

impl ExpectedToolCall {
    /// The text of arguments that the provider sent as invalid or cut JSON.
    pub fn unparsed(&self) -> Option<&str> {
        self.arguments.get("__unparsed__")?.as_str()
    }
}

/// A provider's own token counts.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ExpectedUsage {
    /// Input tokens by the provider's own rule.
    pub input: Option<u64>,
    /// Output tokens by the provider's own rule.
    pub output: Option<u64>,
    /// The provider's total.
    pub total: Option<u64>,
    /// Input tokens read from a cache.
    pub cached: Option<u64>,
    /// Input tokens written to a cache.
    pub cache_write: Option<u64>,
    /// Output tokens spent on reasoning.
    pub reasoning: Option<u64>,
    /// Input tokens of tool use counted apart.
    pub tool_use_prompt: Option<u64>,
    /// Input units billed, where they differ from tokens.
    pub billed_input: Option<u64>,
    /// Output units billed, where they differ from tokens.
    pub billed_output: Option<u64>,
}

/// Token counts by one rule for every provider.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct InclusiveUsage {
    /// All input, cache reads and writes included.
    pub input: Option<u64>,
    /// All output, reasoning included.
    pub output: Option<u64>,
}

/// A provider's error within [`Expected`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ExpectedError {
    /// The HTTP status; 200 for an error inside a successful response.
    pub status: u16,
    /// The provider's message.
    #[serde(default)]
    pub message: String,
    /// The provider's code, a number as text.
    #[serde(default, deserialize_with = "text_or_number")]
    pub code: Option<String>,
    /// The provider's type of error.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// The request's field that the provider blames.
    #[serde(default)]
    pub param: Option<String>,
}

impl Cassette {
    /// The folder of recordings, if it is there.
    ///
    /// That is `PARLOR_CASSETTES`, or else the first `shared/cassettes` met on the way up from
    /// the tested package, which finds `../shared/cassettes` beside the workspace root.
    pub fn folder() -> Option<PathBuf> {
        if let Some(named) = env::var_os("PARLOR_CASSETTES") {
            return Some(PathBuf::from(named)).filter(|path| path.is_dir());
        }
        let start =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(env::current_dir, |dir| Ok(dir.into()));
        (start.ok()?.ancestors())
            .map(|dir| dir.join("shared").join("cassettes"))
            .find(|path| path.is_dir())
    }

    /// All recordings of a dialect, sorted by [`Cassette::id`]; `None` without the folder.
    ///
    /// # Panics
    /// On a file that can't be read or isn't a recording: a test must not pass for lack of its
    /// material.
    pub fn load_all(dialect: &str) -> Option<Vec<Self>> {
        let folder = Self::folder()?;
        let mut found: Vec<Self> = files(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .iter()
            .filter_map(|path| Self::read(path, Some(dialect)))
            .collect();
        found.sort_by_key(Self::id);
        Some(found)
    }

    /// One recording by provider and name; `None` without the folder.
    ///
    /// # Panics
    /// Where the folder is there and the recording isn't, or can't be read.
    pub fn load(provider: &str, name: &str) -> Option<Self> {
        let path = Self::folder()?.join(provider).join(format!("{name}.json"));
        Self::read(&path, None)
    }

    /// The recording's name for messages, `provider/name`; also its path on a replay server.
    pub fn id(&self) -> String {
        format!("{}/{}", self.provider, self.name)
    }

    /// Whether the exchange shows `kind`, such as `tool-call`.
    pub fn shows(&self, kind: &str) -> bool {
        self.kinds.iter().any(|it| it == kind)
    }

    fn read(path: &Path, dialect: Option<&str>) -> Option<Self> {
        #[derive(Deserialize)]
        struct Head<'a> {
            #[serde(borrow)]
            dialect: Cow<'a, str>,
        }
        let broken = |error: &dyn std::fmt::Display| -> ! { panic!("{}: {error}", path.display()) };
        let file = fs::read(path).unwrap_or_else(|error| broken(&error));
        if let Some(dialect) = dialect {
            let head: Head<'_> =
                serde_json::from_slice(&file).unwrap_or_else(|error| broken(&error));
            if head.dialect != dialect {
                return None;
            }
        }
        let mut cassette: Self =
            serde_json::from_slice(&file).unwrap_or_else(|error| broken(&error));
        cassette.name = path.file_stem()?.to_string_lossy().into_owned();
        Some(cassette)
    }
}

/// Every JSON file one floor below `folder`.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for provider in fs::read_dir(folder)? {
        let provider = provider?.path();
        if !provider.is_dir() {
            continue;
        }
        for file in fs::read_dir(provider)? {
            let path = file?.path();
            if path.extension().is_some_and(|it| it == "json") {
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

#[derive(Deserialize)]
struct ResponseFile {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    body_encoding: String,
    #[serde(default)]
    streaming: bool,
}

impl From<ResponseFile> for RecordedResponse {
    fn from(file: ResponseFile) -> Self {
        let body = match file.body_encoding.as_str() {
            "base64" => (STANDARD.decode(&file.body))
                .unwrap_or_else(|error| panic!("the body isn't base64: {error}")),
            _ => file.body.into_bytes(),
        };
        Self {
            status: file.status,
            headers: file.headers,
            body,
            streaming: file.streaming,
        }
    }
}

fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}
