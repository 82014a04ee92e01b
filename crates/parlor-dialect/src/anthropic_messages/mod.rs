//! The Messages dialect of Anthropic, also spoken by Vertex AI, Bedrock and many copies.
//!
//! Facts follow the public API reference and the official SDKs. Three things
//! shape it: an answer is a list of typed blocks, thoughts come back with a
//! signature that must be replayed unchanged, and input tokens are counted
//! without the cached ones.
//!
//! What has no place in this dialect and is no setting goes without a warning:
//! what an answer rests on ([`Source`](parlor_core::Source), citations of other
//! providers) when it is sent back, thoughts that their receiver didn't sign,
//! and white space that stands alone. Going out to a client, parts that the
//! dialect has no block for are left out: media, sources, and what another
//! dialect's provider ran itself.
//!
//! A request is read without its headers: beta features named there are the
//! server's affair.

mod count;
mod error;
mod request;
mod response;
mod stream;
mod wire;

pub use stream::{MessagesDecoder, MessagesEncoder};

use crate::dialect::{Dialect, Framing, Incoming, ServerDialect, Target, WireError, WireRequest};
use crate::exceptions;
use parlor_core::{
    ChatRequest, ChatResponse, Error, KindLimits, MediaFormats, MediaLimits, Origin, Result, Words,
};
use serde::{Deserialize, Serialize};

/// The dialect's name.
const NAME: &str = "anthropic-messages";

/// The Messages dialect.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AnthropicMessages {
    /// What is particular about the host.
    pub quirks: Quirks,
}

impl AnthropicMessages {
    /// The dialect as this host speaks it.
    pub fn new(quirks: Quirks) -> Self {
        Self { quirks }
    }
}

/// What is particular about a host of the Messages dialect. The defaults are
/// Anthropic's own host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Quirks {
    /// Appended to the base URL; `{model}` stands for the model's id.
    pub path: String,
    /// The same for a streamed answer, where it differs.
    pub stream_path: Option<String>,
    /// Where prompts are counted; `None` is `count_tokens` beneath the path.
    pub count_path: Option<String>,
    /// The header `anthropic-version`; `None` sends none. `2023-06-01` is what
    /// every host and copy understands.
    pub version: Option<String>,
    /// The body's `anthropic_version`, on hosts that want one.
    pub body_version: Option<String>,
    /// Whether the body names the model; if not, the path does.
    pub model_in_body: bool,
    /// Whether the body says `stream`; if not, the path does.
    pub stream_in_body: bool,
    /// `max_tokens`, which is required, where neither the request nor the
    /// facts about the model say it.
    pub default_max_tokens: u64,
    /// The most `max_tokens` to allow where the request doesn't say it and the
    /// answer comes in one piece, thoughts that were asked for aside. At the
    /// 128,000 tokens an hour that the provider's own clients reckon with,
    /// 21,333 take ten minutes, and they refuse to wait longer without a
    /// stream: on the way idle connections are dropped. A stream gets all that
    /// the model has.
    pub whole_max_tokens: u64,
    /// Whether a stream comes as chunks of an AWS event stream, each an event
    /// in base64, and failures as AWS services report them.
    pub event_stream: bool,
    /// How beta features are named.
    pub betas: Betas,
    /// Beta features named with every request, beside the request's own.
    pub named_betas: Vec<String>,
    /// Whether it takes document blocks.
    pub documents: bool,
    /// Whether it has tools that it runs itself, and search results as input.
    pub server_tools: bool,
    /// Whether it signs thoughts and takes back none without a signature. A
    /// copy that doesn't sign gets its own thoughts back as they came.
    pub signatures: bool,
    /// Whether it takes cache marks; if not, hints are left out.
    pub cache: bool,
    /// Whether it takes `output_config.format`.
    pub output_format: bool,
    /// How thinking is asked for.
    pub thinking: ThinkingStyle,
    /// What becomes of system messages within the conversation.
    pub system_messages: SystemMessages,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            path: "/v1/messages".to_owned(),
            stream_path: None,
            count_path: None,
            version: Some("2023-06-01".to_owned()),
            body_version: None,
            model_in_body: true,
            stream_in_body: true,
            default_max_tokens: 4096,
            whole_max_tokens: 21_333,
            event_stream: false,
            betas: Betas::Header,
            named_betas: Vec::new(),
            documents: true,
            server_tools: true,
            signatures: true,
            cache: true,
            output_format: true,
            thinking: ThinkingStyle::ByModel,
            system_messages: SystemMessages::Wrap,
        }
    }
}

impl Quirks {
    /// The quirks of Vertex AI: the path names the model, and the body the
    /// version.
    pub fn vertex() -> Self {
        Self {
            path: "/publishers/anthropic/models/{model}:rawPredict".to_owned(),
            stream_path: Some("/publishers/anthropic/models/{model}:streamRawPredict".to_owned()),
            count_path: Some("/publishers/anthropic/models/count-tokens:rawPredict".to_owned()),
            version: None,
            body_version: Some("vertex-2023-10-16".to_owned()),
            model_in_body: false,
            ..Self::default()
        }
    }
}

/// How beta features are named. They are given as `betas` in the request's
/// `extra`: a text or a list of texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Betas {
    /// In the header `anthropic-beta`.
    #[default]
    Header,
    /// In the body, as `anthropic_beta`.
    Body,
    /// Not at all.
    None,
}

/// How thinking is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ThinkingStyle {
    /// As the model's id says.
    #[default]
    ByModel,
    /// `enabled` with `budget_tokens`.
    Budget,
    /// `adaptive`, with `output_config.effort`.
    Adaptive,
    /// Either: `enabled` where a budget is given, else `adaptive`.
    Either,
    /// `enabled` without a budget, on copies that only switch it.
    Switch,
    /// Not at all.
    None,
}

/// What becomes of system messages within the conversation. Those in front of
/// it always go to the top-level `system`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SystemMessages {
    /// They are said by the user between `<system>` and `</system>`.
    #[default]
    Wrap,
    /// They are moved to the top-level `system`.
    Hoist,
    /// They stay where they are, in the role `system`, which newer models know.
    Native,
}

impl Dialect for AnthropicMessages {
    type Decoder = MessagesDecoder;

    fn name(&self) -> &'static str {
        NAME
    }

    fn framing(&self) -> Framing {
        match self.quirks.event_stream {
            true => Framing::EventStream,
            false => Framing::Sse,
        }
    }
    fn media(&self, _: &str) -> MediaLimits {
        // The one host that streams so fetches nothing.
        let fetches = KindLimits::UNKNOWN.fetched(!self.quirks.event_stream);
        MediaLimits::UNKNOWN
            .image(fetches.formats(MediaFormats::WEB))
            .document(fetches)
    }

    fn write_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<WireRequest> {
        request::to_wire(request, target, &self.quirks)
    }

    fn pass_request(&self, words: &Words, target: &Target<'_>) -> Option<WireRequest> {
        request::pass(words, target, &self.quirks)
    }

    fn read_response(&self, body: &[u8], target: &Target<'_>) -> Result<ChatResponse> {
        response::from_wire(body, target)
    }

    fn take_response(&self, body: &mut Vec<u8>, target: &Target<'_>) -> Option<ChatResponse> {
        response::take(body, target)
    }

    fn decoder(&self, target: &Target<'_>) -> MessagesDecoder {
        MessagesDecoder::new(target)
    }

    fn read_error(&self, error: &WireError<'_>) -> Error {
        match error.header(exceptions::HEADER) {
            Some(_) => exceptions::from_wire(error),
            None => error::from_wire(error),
        }
    }
}

#[cfg(feature = "server")]
impl ServerDialect for AnthropicMessages {
    type Encoder = MessagesEncoder;

    fn read_request(&self, path: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
        request::from_wire(path, body, origin)
    }

    fn write_response(&self, response: &ChatResponse) -> Result<Vec<u8>> {
        response::to_wire(response)
    }

    fn encoder(&self) -> MessagesEncoder {
        MessagesEncoder::new(self.quirks.event_stream)
    }

    fn write_error(&self, error: &Error) -> (u16, Vec<u8>) {
        error::to_wire(error)
    }
}
