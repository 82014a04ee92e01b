//! What somebody asks in a turn, made into a request.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use parlor::agent::{Attachment, Attachments};
use parlor::{ChatRequest, Effort, Message, ModelInfo, ReasoningConfig, Result, Role};
use schemars::JsonSchema;
use serde::Deserialize;

use super::call::wrong;

/// The most attachments of one turn; together they are bounded by the body that they come in.
const MOST: usize = 64;

/// A question, and how it is to be answered.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Question {
    /// What is asked. A turn that replaces another may leave it out: then the same is asked again.
    #[serde(alias = "content", alias = "message")]
    pub(super) text: Option<String>,
    /// What is shown to the model besides.
    pub(super) attachments: Vec<Attached>,
    /// The turn to go on after. Left out, it is the last one of the branch; `null` begins anew.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    pub(super) after: Option<Option<String>>,
    /// The turn to stand beside: it is asked again, with other words where there are any, and
    /// stays as another branch.
    pub(super) replaces: Option<String>,
    /// The name of the model that answers. Left out, it is the conversation's.
    pub(super) model: Option<String>,
    #[serde(flatten)]
    pub(super) settings: Settings,
}

/// How to answer.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Settings {
    /// Randomness, from 0.
    pub(crate) temperature: Option<f64>,
    /// The most tokens to answer with.
    #[serde(
        alias = "max_tokens",
        alias = "max_output_tokens",
        alias = "maxOutputTokens"
    )]
    pub(crate) max_tokens: Option<u64>,
    /// Nucleus sampling, 0 to 1.
    #[serde(alias = "top_p")]
    pub(crate) top_p: Option<f64>,
    /// How much to think.
    #[serde(alias = "reasoning_effort", alias = "reasoningEffort")]
    pub(crate) reasoning: Option<Thinking>,
}

/// How much to think: a word, whether at all, or both halves of it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Thinking {
    /// Whether to.
    Whether(bool),
    /// `off`, `minimal`, `low`, `medium`, `high`, or another word of the model's.
    Effort(String),
    /// In tokens, or by a word, or both.
    Both {
        /// The word.
        effort: Option<String>,
        /// The most tokens to think with.
        #[serde(alias = "budgetTokens")]
        budget_tokens: Option<u64>,
    },
}

/// Something to show the model: base64 in `data`, with `data:…;base64,` before it or not, or `text`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Attached {
    /// What it is called.
    name: Option<String>,
    /// Its media type, such as `image/png`; told from the bytes where it can be.
    #[serde(alias = "media_type", alias = "type")]
    media_type: Option<String>,
    /// Its bytes in base64.
    data: Option<String>,
    /// Its text.
    text: Option<String>,
}

/// A field that is there, though it may be `null`.
fn given<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Option<String>>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

impl Settings {
    /// Sets them in a request.
    pub(super) fn apply(&self, request: &mut ChatRequest) {
        request.temperature = self.temperature;
        request.max_output_tokens = self.max_tokens;
        request.top_p = self.top_p;
        request.reasoning = self.reasoning.as_ref().map(|thinking| match thinking {
            Thinking::Whether(true) => ReasoningConfig::from(Effort::Auto),
            Thinking::Whether(false) => ReasoningConfig::off(),
            Thinking::Effort(word) => ReasoningConfig::from(Effort::from(word.as_str())),
            Thinking::Both {
                effort,
                budget_tokens,
            } => {
                let mut config = ReasoningConfig::default();
                config.effort = effort.as_deref().map(Effort::from);
                config.budget_tokens = *budget_tokens;
                config
            }
        });
    }
}

impl Question {
    /// The messages that are asked, for a model that takes what it takes.
    pub(super) fn messages(&mut self, info: &ModelInfo) -> Result<Vec<Message>> {
        let message = Message::user(self.text.take().unwrap_or_default());
        let attachments = std::mem::take(&mut self.attachments);
        if attachments.len() > MOST {
            return Err(wrong(format!("a turn takes {MOST} attachments at most")));
        }
        let attachments = attachments.into_iter().map(Attached::attachment);
        let attachments = attachments.collect::<Result<Vec<_>>>()?;
        let attachments: Attachments = attachments.into_iter().collect();
        let mut message = attachments
            .attach(message, &info.media)
            .map_err(|error| error.with_status(400))?;
        message.parts.retain(|part| part.as_text() != Some(""));
        Ok(vec![message])
    }

    /// Whether anything is asked in it.
    pub(super) fn asks(&self) -> bool {
        let text = self.text.as_deref().unwrap_or_default();
        !text.trim().is_empty() || !self.attachments.is_empty()
    }
}

impl Attached {
    fn attachment(self) -> Result<Attachment> {
        let name = self.name.as_deref().unwrap_or("an attachment");
        let (bytes, media_type) = match (self.data, self.text) {
            (Some(data), None) => {
                let (told, data) = match data.strip_prefix("data:") {
                    Some(rest) => rest
                        .split_once(";base64,")
                        .ok_or_else(|| wrong(format!("`data` of {name} isn't base64")))?,
                    None => ("", &*data),
                };
                let bytes = decoded(data);
                let bytes = bytes.ok_or_else(|| wrong(format!("`data` of {name} isn't base64")))?;
                let told = Some(told.to_owned()).filter(|it| !it.is_empty());
                (bytes, self.media_type.or(told))
            }
            (None, Some(text)) => (text.into_bytes(), self.media_type),
            _ => {
                let message = format!("{name} has neither `data` nor `text`, or both");
                return Err(wrong(message));
            }
        };
        let mut attachment = Attachment::bytes(bytes);
        if let Some(name) = self.name {
            attachment = attachment.with_name(name);
        }
        if let Some(media_type) = media_type {
            attachment = attachment.with_media_type(media_type);
        }
        Ok(attachment)
    }
}

/// Bytes of base64 in either alphabet, padded or not.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let either =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let standard = GeneralPurpose::new(&base64::alphabet::STANDARD, either);
    let url_safe = GeneralPurpose::new(&base64::alphabet::URL_SAFE, either);
    let text = text.trim();
    let decoded = STANDARD.decode(text).or_else(|_| standard.decode(text));
    decoded.or_else(|_| url_safe.decode(text)).ok()
}

/// What was asked in a turn: all up to its first answer.
pub(super) fn asked_in(messages: &[Message]) -> Vec<Message> {
    let asked = messages.iter();
    asked
        .take_while(|it| it.role == Role::User)
        .cloned()
        .collect()
}
