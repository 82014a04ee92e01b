//! Tencent's own chat API for Hunyuan: `ChatCompletions` of Tencent Cloud API 3.0.
//!
//! Its words are those of the common chat dialect in another case
//! (`FinishReason` for `finish_reason`), so that one's code reads and writes
//! them: names are rewritten byte by byte on the way, in streams too, without
//! parsing and without an allocation for each. What is more than a name is
//! here: a message's parts stand in `Contents`, schemas are texts of JSON,
//! whole answers stand in `Response`, streams end without a mark, and failures
//! come with the status 200.
//!
//! Source: cloud.tencent.com, product 1729, "ChatCompletions".

mod error;
mod request;
mod response;
mod stream;
mod wire;

use crate::dialect::{Dialect, Framing, Incoming, ServerDialect, Target, WireError, WireRequest};
use crate::openai_chat::{
    Documents, MaxTokens, OpenAiChat, Quirks, ReasoningField, Thinking, ToolChoiceWord,
};
use parlor_core::{ChatRequest, ChatResponse, Error, MediaLimits, Origin, Result};

pub use error::CODES;
pub use stream::{HunyuanDecoder, HunyuanEncoder};

/// Tencent's own chat API.
#[derive(Debug, Clone)]
pub struct Hunyuan {
    words: OpenAiChat,
}

impl Default for Hunyuan {
    fn default() -> Self {
        Self::new(Self::quirks())
    }
}

impl Hunyuan {
    /// The dialect with quirks beside [its own](Self::quirks).
    pub fn new(quirks: Quirks) -> Self {
        Self {
            words: OpenAiChat::new(quirks),
        }
    }

    /// What the API does and doesn't know. There is no limit on output.
    pub fn quirks() -> Quirks {
        let mut quirks = Quirks::compatible();
        quirks.path = "/".to_owned();
        for (name, value) in [
            ("x-tc-action", "ChatCompletions"),
            ("x-tc-version", "2023-09-01"),
        ] {
            quirks.headers.insert(name.to_owned(), value.to_owned());
        }
        quirks.max_tokens = MaxTokens::MaxTokens;
        quirks.thinking = Thinking::Enable;
        quirks.reasoning_field = ReasoningField::None;
        quirks.tool_choice = vec![ToolChoiceWord::Auto, ToolChoiceWord::None];
        quirks.parallel_tool_calls = false;
        quirks.strict = false;
        quirks.output = crate::openai_chat::JsonOutput::None;
        quirks.stream_usage = false;
        quirks.end_mark = false;
        quirks.message_name = false;
        quirks.audio = false;
        quirks.documents = Documents::None;
        quirks.know_codes(CODES);
        quirks.refuse(
            "n logprobs top_logprobs top_k frequency_penalty presence_penalty metadata \
             service_tier user max_output_tokens",
        );
        quirks
    }
}

impl Dialect for Hunyuan {
    type Decoder = HunyuanDecoder;

    /// The name of the dialect whose words it shares, since native items are in
    /// those.
    fn name(&self) -> &'static str {
        self.words.name()
    }

    fn framing(&self) -> Framing {
        self.words.framing()
    }
    fn media(&self, model: &str) -> MediaLimits {
        self.words.media(model)
    }

    fn write_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<WireRequest> {
        request::to_wire(self.words.write_request(request, target)?)
    }

    fn read_response(&self, body: &[u8], target: &Target<'_>) -> Result<ChatResponse> {
        self.words.read_response(&response::read(body), target)
    }

    fn decoder(&self, target: &Target<'_>) -> HunyuanDecoder {
        HunyuanDecoder::new(self.words.decoder(target))
    }

    fn read_error(&self, error: &WireError<'_>) -> Error {
        error::read(error, &self.words)
    }
}

#[cfg(feature = "server")]
impl ServerDialect for Hunyuan {
    type Encoder = HunyuanEncoder;

    fn read_request(&self, path: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
        let body = request::from_wire(body)?;
        let mut incoming = self.words.read_request(path, &body, origin)?;
        // It is told without being asked for.
        incoming.stream_usage = true;
        Ok(incoming)
    }

    fn write_response(&self, response: &ChatResponse) -> Result<Vec<u8>> {
        Ok(response::write(&self.words.write_response(response)?))
    }

    fn encoder(&self) -> HunyuanEncoder {
        HunyuanEncoder::new(self.words.encoder())
    }

    fn write_error(&self, error: &Error) -> (u16, Vec<u8>) {
        (200, error::write(error))
    }
}
