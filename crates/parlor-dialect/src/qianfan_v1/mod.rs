//! The first generation of Qianfan's chat API, with `access_token` in the address.
//!
//! A conversation means the same as in the common chat dialect, so that one's
//! code reads and writes it; its words stand in other places, and are brought
//! there on the way, in streams without an allocation for each. The model is in
//! the path, instructions stand beside the messages, the roles take turns, one
//! function is called at a time and without an id, the last chunk of a stream
//! says `is_end`, and failures come with the status 200.
//!
//! Source: cloud.baidu.com, `WENXINWORKSHOP`, "ERNIE-3.5-8K" and "Error codes".

mod error;
mod request;
mod response;
mod stream;
mod wire;

use crate::dialect::{Dialect, Framing, Incoming, ServerDialect, Target, WireError, WireRequest};
use crate::foreign::Foreign;
use crate::openai_chat::{
    Documents, EmptyContent, JsonOutput, MaxTokens, OpenAiChat, Quirks, ReasoningField, Thinking,
};
use parlor_core::{Capability, ChatRequest, ChatResponse, Error, MediaLimits, Origin, Result};

pub use error::CODES;
pub use stream::{QianfanV1Decoder, QianfanV1Encoder};

/// What no model can do by this API.
pub const LACKS: &[Capability] = &[
    Capability::ImageInput,
    Capability::AudioInput,
    Capability::VideoInput,
    Capability::DocumentInput,
    Capability::ParallelTools,
    Capability::JsonSchema,
    Capability::Reasoning,
    Capability::Prefill,
    Capability::MultipleChoices,
    Capability::Logprobs,
];

/// The first generation of Qianfan's chat API.
#[derive(Debug, Clone)]
pub struct QianfanV1 {
    words: OpenAiChat,
}

impl Default for QianfanV1 {
    fn default() -> Self {
        Self::new(Self::quirks())
    }
}

impl QianfanV1 {
    /// The dialect with quirks beside [its own](Self::quirks).
    pub fn new(quirks: Quirks) -> Self {
        Self {
            words: OpenAiChat::new(quirks),
        }
    }

    /// What the API does and doesn't know.
    pub fn quirks() -> Quirks {
        let mut quirks = Quirks::compatible();
        quirks.path = "/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/{model}".to_owned();
        quirks.max_tokens = MaxTokens::MaxTokens;
        quirks.thinking = Thinking::None;
        quirks.reasoning_field = ReasoningField::None;
        quirks.tool_choice = Vec::new();
        quirks.parallel_tool_calls = false;
        quirks.strict = false;
        quirks.output = JsonOutput::Object;
        quirks.stream_usage = false;
        quirks.content_beside_calls = EmptyContent::Empty;
        quirks.alternate = true;
        quirks.assistant_after_tools = true;
        quirks.message_name = false;
        quirks.video_url = false;
        quirks.audio = false;
        quirks.documents = Documents::None;
        quirks.user_field = "user_id".to_owned();
        quirks.max_temperature = Some(1.0);
        quirks.max_stop = 4;
        quirks.know_codes(CODES);
        quirks.refuse(
            "n logprobs top_logprobs top_k frequency_penalty presence_penalty seed metadata \
             service_tier",
        );
        let newer = [
            ("web_search", Foreign::Feature),
            ("repetition_penalty", Foreign::Knob),
        ];
        let newer = newer.map(|(field, place)| (field.to_owned(), place));
        quirks.foreign.extend(newer);
        quirks
    }
}

impl Dialect for QianfanV1 {
    type Decoder = QianfanV1Decoder;

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
        let mut info = target.info.clone();
        info.capabilities = info.capabilities.lacking(LACKS);
        let target = Target {
            info: &info,
            ..*target
        };
        let request = request::instructed_first(request);
        request::to_wire(self.words.write_request(&request, &target)?)
    }

    fn read_response(&self, body: &[u8], target: &Target<'_>) -> Result<ChatResponse> {
        let words = response::read(body);
        let read = self.words.read_response(&words, target);
        read.map_err(|error| error::refined(error).with_body(body))
    }

    fn decoder(&self, target: &Target<'_>) -> QianfanV1Decoder {
        QianfanV1Decoder::new(self.words.decoder(target))
    }

    fn read_error(&self, error: &WireError<'_>) -> Error {
        error::refined(self.words.read_error(error))
    }
}

#[cfg(feature = "server")]
impl ServerDialect for QianfanV1 {
    type Encoder = QianfanV1Encoder;

    fn read_request(&self, path: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
        let body = request::from_wire(path, body)?;
        let mut incoming = self.words.read_request(path, &body, origin)?;
        // It is told without being asked for.
        incoming.stream_usage = true;
        Ok(incoming)
    }

    fn write_response(&self, response: &ChatResponse) -> Result<Vec<u8>> {
        Ok(response::write(response))
    }

    fn encoder(&self) -> QianfanV1Encoder {
        QianfanV1Encoder::default()
    }

    fn write_error(&self, error: &Error) -> (u16, Vec<u8>) {
        (200, error::write(error))
    }
}
